"""What a verb prints: tables and lines for people, JSON for machines. Results go to standard output, all else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Output:
    as_json: bool

    @property
    def interactive(self) -> bool:
        """Whether a person watches: then there are bars and colours."""
        return not self.as_json and sys.stderr.isatty()

    def note(self, text: str) -> None:
        """Something by the way; never part of a result."""
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)

    def result(self, value: Any, text: str) -> None:
        """One result: the value as JSON, or its sentence."""
        print(json.dumps(plain(value), ensure_ascii=False) if self.as_json else text, flush=True)

    def table(self, values: Sequence[BaseModel], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A list: all of it as one JSON array, or the columns that people look for."""
        if self.as_json:
            print(json.dumps(plain(list(values)), ensure_ascii=False), flush=True)
        else:
            print(align(columns, rows), flush=True)


def align(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain columns, two spaces apart, as kubectl prints them."""
    lines = [[name.upper() for name in columns], *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def plain(value: Any) -> Any:
    """Models, and what holds them, as JSON-ready values."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def size(count: int) -> str:
    """Bytes as people read them: `1.4 MB` (powers of ten)."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
