"""`vedette detector apply PACKAGE`, or `-f detector.yaml` as for a cluster. Doing either twice changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import connection
from appliance.cli.detector import on_cluster, resource_file
from appliance.cli.detector.declare import declare
from appliance.cli.detector.push import push
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package


def command(
    ctx: typer.Context,
    package: Annotated[Path | None, typer.Argument(help="Folder of a model package, with manifest.yaml.")] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", help="A Detector in YAML, as kubectl takes it; - for standard input.")
    ] = None,
    subscribe: Annotated[
        list[str] | None,
        typer.Option(help="Datasets whose items, old and new, get a run by themselves; repeatable."),
    ] = None,
) -> None:
    """Serve a model package as a detector, or make the appliance what a Detector in YAML says."""
    if (package is None) == (file is None):
        raise VedetteError(
            Code.INVALID, "Give exactly one of PACKAGE and -f FILE.", "PACKAGE is a folder, FILE a Detector in YAML."
        )
    if package is not None:
        read = model_package.read(package)
        with connection.of(ctx) as session:
            detector = push(session, read, subscribe)
            session.output.result(detector, f"{_served(detector)}.")
    elif file is not None:
        _declared(ctx, file, subscribe)


def _declared(ctx: typer.Context, file: Path, subscribe: list[str] | None) -> None:
    if subscribe:
        raise VedetteError(
            Code.INVALID, "--subscribe does not go with -f.", "Name the datasets in the file, at spec.subscribe."
        )
    declared = resource_file.read(file)
    with connection.of(ctx) as session:
        if on_cluster.runs_on_one(session):
            made = on_cluster.apply(session, declared)
            name = made.metadata.name
            shown = made.model_dump(mode="json", by_alias=True, exclude_none=True)
            session.output.result(
                shown, f"Detector {name} is applied; `kubectl describe detector {name}` says how it is."
            )
            return
        applied = declare(session, declared)
        for note in applied.notes:
            session.output.note(note)
        unchanged = "" if applied.changed else ": unchanged"
        session.output.result(applied, f"{_served(applied.detector)}{unchanged}.")


def _served(detector: Detector) -> str:
    where = f", subscribed to {', '.join(detector.subscribe)}" if detector.subscribe else ""
    return f"Detector {detector.name} {detector.version} is served{where}"
