"""What docs/chart.md shows in blocks of YAML: values, and objects made by hand. Used by the tests of this folder."""

from __future__ import annotations

import re
from typing import Any

import yaml

from scripts.chart_values import DOCUMENT


def shown() -> list[dict[str, Any]]:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]
