"""`vedette evaluate --detector PACKAGE --snapshot DIR`: how right a model package is, through the inference it will run in.

Needs no server. Scenes are read whole, as a run reads them; what counts is what lies in the snapshot's windows.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import progress
from appliance.cli.output import Output, align
from appliance.contracts.model_package import Precision
from appliance.formats import model_package, snapshot
from appliance.inference import evaluation
from appliance.inference.backends import catalogue, choice
from appliance.inference.backends.base import Allowance


def command(
    detector: Annotated[Path, typer.Option("--detector", "-d", help="Model package folder.")],
    folder: Annotated[Path, typer.Option("--snapshot", help="Snapshot folder, as `vedette dataset pull` writes it.")],
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Default: the package's own.")] = None,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="Processor threads; 0 for all.")] = 0,
    backend_name: Annotated[
        str, typer.Option("--backend", help=f"What runs the model: {', '.join(catalogue.names())}.")
    ] = catalogue.AUTO,
    precision: Annotated[Precision, typer.Option(help="Which of the package's models.")] = Precision.FP32,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a model package on a snapshot: precision, recall, F1 and average precision."""
    package, held = model_package.read(detector).at(precision), snapshot.read(folder)
    least = package.manifest.running_point.threshold if threshold is None else threshold
    opened = choice.open_backend(backend_name, package, Allowance(threads))
    output = Output(as_json)
    with closing(opened.backend), progress.on(output) as show:
        pairs = []
        for number, item in enumerate(held.manifest.items):
            show.show("evaluate", item.name, number / len(held.manifest.items))
            found = evaluation.found(held, item, opened.package.manifest, opened.backend)
            pairs.append((found, evaluation.labelled(held, item)))
    figures = evaluation.measure(pairs, least)
    rows = [(name, f"{value:.4f}" if isinstance(value, float) else str(value)) for name, value in figures.items()]
    output.result(
        {
            "detector": package.digest,
            "precision": precision,
            "snapshot": held.digest,
            "threshold": least,
            "figures": figures,
        },
        f"{package.manifest.name} {package.manifest.version} ({precision}) on {held.digest}, threshold {least:g}\n"
        + align(("figure", "value"), rows),
    )
