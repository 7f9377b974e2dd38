"""The folder operator/ must stay no package: with an __init__.py it would shadow the standard library's `operator`."""

from __future__ import annotations

import operator
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_is_the_standard_librarys() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(str(operator.__file__)).is_relative_to(sysconfig.get_path("stdlib"))
