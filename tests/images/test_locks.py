"""Locks are taken apart without losing a hash, and the images' own locks fit the product's."""

from __future__ import annotations

import re
from pathlib import Path

from images import locks

_ROOT = Path(__file__).parents[2]
_LOCK = """\
alpha==1.0 ; python_version < '3.12' \\
    --hash=sha256:aa
alpha==2.0 ; python_version >= '3.12' \\
    --hash=sha256:ab
beta-core==3.1 \\
    --hash=sha256:ba \\
    --hash=sha256:bb
"""


def _pins(name: str) -> set[str]:
    text = (_ROOT / "requirements" / f"{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9._-]+==[^ ]+)", text, re.MULTILINE))


def test_what_is_left_out_and_what_is_kept_are_the_whole() -> None:
    assert locks.without(_LOCK, set()) == _LOCK
    assert locks.only(_LOCK, {"alpha"}) + locks.without(_LOCK, {"alpha"}) == _LOCK
    assert locks.only(_LOCK, {"beta"}) == ""
    assert locks.only(_LOCK, {"beta-core"}).count("--hash") == 2


def test_the_operator_has_the_versions_that_were_tested() -> None:
    assert _pins("operator") <= _pins("dev")
    names = {pin.split("==")[0] for pin in _pins("operator")}
    assert not names & {"numpy", "rasterio", "fastapi", "sqlalchemy", "torch"}


def test_training_comes_on_top_of_what_there_is() -> None:
    assert _pins("training") <= _pins("dev")
    names = {pin.split("==")[0] for pin in _pins("runtime")}
    assert not [pin for pin in _pins("training") if pin.split("==")[0] in names]
