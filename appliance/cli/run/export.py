"""`vedette run export RUN -o FILE.parquet`: a run's detections as the GeoParquet file the worker wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import connection, fetch, output, parse
from appliance.contracts.errors import Code, VedetteError


def command(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Identifier, from `run list`.")],
    file: Annotated[Path, typer.Option("-o", "--output", help="File to write; its name ends in .parquet.")],
) -> None:
    """Write a run's detections to a GeoParquet file."""
    run_id = parse.identifier(run, "a run")
    if file.suffix != ".parquet":
        raise VedetteError(
            Code.UNSUPPORTED, f"{file} does not end in .parquet.", "Detections are exported as GeoParquet."
        )
    with connection.of(ctx) as session:
        url = session.api.location(f"/api/runs/{run_id}/detections.parquet")
        written = fetch.to_file(url, file)
        session.output.result({"file": str(file), "size_bytes": written}, f"{file}: {output.size(written)}")
