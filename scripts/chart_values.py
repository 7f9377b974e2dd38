"""Write the lists of values in docs/chart.md from the comments of charts/vedette/values.yaml. Called by `make chart-values`.

With --check nothing is written, and it ends with 1 where the document is behind; a test calls it so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
VALUES = _ROOT / "charts" / "vedette" / "values.yaml"
DOCUMENT = _ROOT / "docs" / "chart.md"
_BEGIN, _END = "<!-- values: written by `make chart-values` -->\n", "<!-- end of values -->\n"
_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):(?P<value>.*)")
_WHOLE = {"resources", "tolerations"}
"""Shown as one value, whatever stands below."""


@dataclass(frozen=True)
class Value:
    name: str
    default: str
    meaning: str


def listed() -> list[Value]:
    """Each value of the file in its order, with the comment that stands above it."""
    return list(_read(VALUES.read_text("utf-8").splitlines()))


def _read(lines: Iterable[str]) -> Iterator[Value]:
    path: list[str] = []
    comment: list[str] = []
    below = -1
    for line in lines:
        match = _LINE.fullmatch(line)
        if line.strip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
        elif not line:
            comment = []
        elif match and not (0 <= below < len(match["indent"])):
            below = -1
            path = [*path[: len(match["indent"]) // 2], match["key"]]
            value = match["value"].strip()
            if match["key"] in _WHOLE and not value:
                below, value = len(match["indent"]), "see values.yaml"
            if value:
                yield Value(".".join(path), value, " ".join(comment))
            comment = []


def _tables(values: Iterable[Value]) -> str:
    parts: dict[str, list[Value]] = {}
    for each in values:
        parts.setdefault(each.name.split(".")[0] if "." in each.name else "", []).append(each)
    return "\n".join(_table(part, each) for part, each in parts.items())


def _table(part: str, values: Iterable[Value]) -> str:
    head = f"### `{part}`\n\n" if part else "### Names and addresses\n\n"
    rows = (
        f"| `{each.name}` | {_code(each.default)} | {each.meaning.replace('|', chr(92) + '|')} |" for each in values
    )
    return "\n".join([f"{head}| value | default | meaning |", "|---|---|---|", *rows, ""])


def _code(default: str) -> str:
    return default if default == "see values.yaml" else f"`{default}`"


def main() -> int:
    before = DOCUMENT.read_text("utf-8")
    head, rest = before.split(_BEGIN)
    after = f"{head}{_BEGIN}\n{_tables(listed())}\n{_END}{rest.split(_END)[1]}"
    if "--check" in sys.argv[1:]:
        return int(before != after)
    DOCUMENT.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
