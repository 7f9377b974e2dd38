"""`vedette train -f train.yaml --train DIR --validation DIR -o PACKAGE`: a model package from snapshots, without any server.

Ctrl-C stops after the current step, with a checkpoint; so does a kill, up to the last epoch. The same command goes on.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rasterio.errors import NotGeoreferencedWarning

from appliance.cli import progress
from appliance.cli.output import Output
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package, snapshot

if TYPE_CHECKING:
    from types import FrameType

    from appliance.training.watch import Epoch


def command(
    file: Annotated[Path, typer.Option("-f", "--file", help="The training configuration, YAML.")],
    train: Annotated[Path, typer.Option(help="Snapshot folder to learn from.")],
    validation: Annotated[Path, typer.Option(help="Snapshot folder to choose the running point on.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the model package to write.")],
    test: Annotated[Path | None, typer.Option(help="Snapshot folder to measure on, at the very end.")] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="NAME=DIR: one more snapshot to measure on; repeatable.")
    ] = None,
    origin: Annotated[
        Path | None, typer.Option("--from", help="Model package to fine-tune; same labels and width.")
    ] = None,
    work: Annotated[Path | None, typer.Option(help="Folder for checkpoints. Default: beside the output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a detector on snapshots and write its model package."""
    # Images without georeference are welcome in training: rasterio's warning would only confuse.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    out = Output(as_json)
    job, configuration = _trainer(file)
    data = job.Data(
        snapshot.read(train),
        snapshot.read(validation),
        snapshot.read(test) if test else None,
        {name: snapshot.read(folder) for name, folder in map(_named, also or [])},
        model_package.read(origin) if origin else None,
    )
    folder = work or output.parent / f".{output.name}.training"
    with progress.on(out) as show, _stoppable() as stop:

        def tell(epoch: Epoch) -> None:
            show.show("train", sentence(epoch), epoch.epoch / epoch.epochs)

        package = job.run(configuration, data, output, folder, job.Watch(tell, stop.is_set))
    figures = package.manifest.metrics
    out.result(
        {"folder": str(output), "digest": package.digest, "metrics": figures},
        f"{output}: {package.manifest.name} {package.manifest.version}, {package.digest}\n"
        + "\n".join(f"  {name} {value:.3f}" for name, value in figures.items()),
    )


def sentence(epoch: Epoch) -> str:
    """One epoch in words: `epoch 3/30, loss 2.55, F1 0.61, 14 min left`."""
    looked = "" if epoch.f1 is None else f", F1 {epoch.f1:.2f}"
    return f"epoch {epoch.epoch}/{epoch.epochs}, loss {epoch.loss:.2f}{looked}, {epoch.seconds_left / 60:.0f} min left"


def _trainer(file: Path):  # type: ignore[no-untyped-def]  # the module, which a machine without the extra does not have
    try:
        from appliance.training import configuration, job
    except ModuleNotFoundError as error:
        raise VedetteError(
            Code.UNSUPPORTED,
            f"Training needs {error.name}, which is not installed here.",
            "Install Vedette with its extra `train`: pip install 'vedette[train]'.",
        ) from error
    return job, configuration.load(file)


def _named(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and folder) or name in {"train", "validation", "test"}:
        raise VedetteError(
            Code.INVALID, f"--also {text} is not NAME=DIR.", "Write, for example, --also coast=snapshots/coast."
        )
    return name, Path(folder)


@contextmanager
def _stoppable() -> Iterator[Event]:
    """An event that the first Ctrl-C (or SIGTERM) sets; the second one interrupts as usual."""
    stop = Event()

    def asked(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
