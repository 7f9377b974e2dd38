"""The address and token of the Vedette that runs on a data folder. Called by the command line; imports little."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from appliance.standalone import status
from appliance.standalone.layout import DataFolder


@dataclass(frozen=True)
class LocalAddress:
    url: str
    token: str = field(repr=False)


def find(data: Path | None) -> LocalAddress | None:
    """None where none runs, or where it is not ours to use."""
    folder = DataFolder.of(data)
    try:
        found = status.read(folder)
        token = folder.token.read_text("ascii").strip()
    except OSError:
        return None
    return LocalAddress(found.url, token) if found is not None else None
