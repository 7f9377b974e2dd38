"""`vedette up`: start Vedette on this machine and keep it running, here or in the background."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.starting import Starting
from appliance.standalone import detach as background
from appliance.standalone import main
from appliance.standalone.layout import DataFolder
from appliance.standalone.main import Options
from appliance.standalone.parts import Workers


def command(
    data: Annotated[Path | None, typer.Option(help="Folder that holds everything. [default: $VEDETTE_DATA]")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once all is ready.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the page.")] = None,
    media_workers: Annotated[int, typer.Option(min=0, max=64, help="How many scenes are normalised at once.")] = 1,
    detector_workers: Annotated[int, typer.Option(min=0, max=64, help="How many runs go on at once.")] = 1,
) -> None:
    """Start Vedette on this machine: database, messages, object store, API and workers. Ctrl-C stops it."""
    options = Options(DataFolder.of(data), port, Workers(media_workers, detector_workers))
    with Starting(interactive=sys.stderr.isatty()) as starting:
        if detach:
            background.start(options, starting)
        else:
            os.umask(0o077)
            main.run(options, starting)
