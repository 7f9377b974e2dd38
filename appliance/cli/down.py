"""`vedette down`: stop what `vedette up` started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.standalone import down
from appliance.standalone.layout import DataFolder


def command(
    data: Annotated[Path | None, typer.Option(help="Folder that holds everything. [default: $VEDETTE_DATA]")] = None,
) -> None:
    """Stop Vedette on this machine. The data stay; `vedette up` goes on with them."""
    folder = DataFolder.of(data)
    print("Vedette is stopped." if down.down(folder) else f"No Vedette runs on {folder.path}.")
