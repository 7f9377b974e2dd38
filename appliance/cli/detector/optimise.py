"""`vedette detector optimise PACKAGE --snapshot DIR --precision int8 -o OUT`: a faster variant, if it costs little enough.

Needs no server. A variant that loses or gains too little is refused with its figures, and nothing is written.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import progress
from appliance.cli.output import Output
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision
from appliance.formats import model_package, snapshot
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.catalogue import REFERENCE
from appliance.inference.optimise import Request, optimise
from appliance.inference.optimise_checks import Snapshots
from appliance.inference.optimise_gate import Figures, Gate
from appliance.inference.optimise_measures import Watch, runtime


class Lower(StrEnum):
    FP16 = "fp16"
    INT8 = "int8"


def command(
    package: Annotated[Path, typer.Argument(help="Folder of a model package, with manifest.yaml.")],
    folder: Annotated[Path, typer.Option("--snapshot", help="Snapshot folder that the loss is measured on.")],
    precision: Annotated[Lower, typer.Option(help="What the variant computes in.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="New folder for the package with the variant.")],
    calibration: Annotated[
        Path | None, typer.Option(help="Training snapshot; int8 needs its tiles for the ranges of values.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option(help="Validation snapshot; the variant's running point is chosen on it.")
    ] = None,
    max_loss: Annotated[float, typer.Option(min=0, max=1, help="The most that the metric may fall.")] = 0.005,
    min_speedup: Annotated[float, typer.Option(min=0, help="The least times as fast that it must be.")] = 1.0,
    metric: Annotated[str | None, typer.Option(help="For example f1@0.4; default: the running point's own.")] = None,
    version: Annotated[str | None, typer.Option(help="Of the new package; default: the next patch version.")] = None,
    symmetric: Annotated[bool, typer.Option(help="Signed int8 around zero, as TensorRT needs it.")] = False,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="Processor threads; 0 for all.")] = 0,
    backend: Annotated[str, typer.Option(help="What the variant is measured on, and is for.")] = REFERENCE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Make a variant of a model package in lower precision, measured beside the model it comes from."""
    request = Request(
        package=model_package.read(package),
        precision=Precision(precision),
        snapshots=Snapshots(
            measured=snapshot.read(folder),
            calibration=snapshot.read(calibration) if calibration else None,
            validation=snapshot.read(validation) if validation else None,
        ),
        gate=Gate(max_loss, min_speedup),
        metric=metric,
        version=version,
        symmetric=symmetric,
    )
    output = Output(as_json)
    with progress.on(output) as shown:
        watch = Watch(lambda what, done: shown.show(package.name, what, done))
        try:
            made, figures = optimise(request, runtime(backend, threads), out, watch)
        except KeyboardInterrupt:
            raise VedetteError(
                Code.CANCELLED, "Interrupted; nothing was written.", "Run the same command again."
            ) from None
    _say(output, made, figures, out)


def _say(output: Output, made: ModelPackage, figures: Figures, out: Path) -> None:
    variant = made.manifest.variant(figures.precision)
    point = "" if variant is None else f", running point {variant.running_point.threshold:g}"
    output.result(
        {"package": str(out), "digest": made.digest, "version": made.manifest.version, "variant": variant},
        f"{figures}{point}\n{made.manifest.name} {made.manifest.version} in {out}",
    )
