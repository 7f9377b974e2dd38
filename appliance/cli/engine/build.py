"""`vedette engine build PACKAGE`: make the engine for this machine's card, or find that it is there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import progress
from appliance.cli.output import Output, size
from appliance.contracts.model_package import Precision
from appliance.formats import model_package
from appliance.inference.backends.fitting import Fitting
from appliance.inference.engines import obtain, request
from appliance.inference.engines.obtain import Obtained, Watch, Wish
from appliance.inference.engines.request import Asked
from appliance.inference.engines.spec import Flag, Library


def command(
    package: Annotated[Path, typer.Argument(help="Folder of a model package, with manifest.yaml.")],
    precision: Annotated[Precision, typer.Option(help="fp32, or a variant of the package.")] = Precision.FP32,
    batch: Annotated[str, typer.Option(help="Tiles per batch: one number, or least:best:most.")] = request.BATCH,
    tile_size: Annotated[
        str | None, typer.Option(help="Pixels, likewise, where the graph leaves them open. [default: the package's]")
    ] = None,
    backend: Annotated[Library, typer.Option(help="The library that compiles.")] = Library.TENSORRT,
    flag: Annotated[list[Flag] | None, typer.Option(help="What the plan should be; repeatable.")] = None,
    workspace: Annotated[int, typer.Option(min=1, help="MiB that the library may use for its layers.")] = 1024,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Build the engine of a model package for this machine, once; doing it twice changes nothing."""
    asked = Asked(
        library=backend,
        precision=precision,
        batch=batch,
        side=tile_size,
        flags=tuple(flag or ()),
        workspace_mib=workspace,
    )
    read = model_package.read(package)
    output = Output(as_json)
    with Fitting(read.at(precision)) as fitting:
        # What is moved into a graph settles its tile size: an engine for another is one of the graph as it is.
        wish = request.wish(fitting.on_card if tile_size is None else fitting.package, asked)
        obtained = _obtain(wish, f"{read.manifest.name} {read.manifest.version}", output)
    if fitting.why_not:
        output.note(fitting.why_not)
    if obtained.note:
        output.note(obtained.note)
    record, took = obtained.engine.record, obtained.build_seconds
    how = "was there already" if took is None else f"built in {took:.1f} s"
    output.result(
        {"name": record.key.name, "built": took is not None, "note": obtained.note, **record.model_dump(mode="json")},
        f"Engine {record.key.name[:12]} ({precision}, {size(record.plan_bytes)}): {how}.",
    )


def _obtain(wish: Wish, title: str, output: Output) -> Obtained:
    cache = request.cache()
    with _interruption() as cancelled, progress.on(output) as shown:
        # Phases follow each other too fast for lines.
        watch = Watch(
            lambda phase, fraction: shown.show(title, phase if output.interactive else "building", fraction),
            cancelled.is_set,
        )
        return obtain.obtain(cache, wish, watch)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Ctrl-C, and the end that a supervisor asks for, as a request to cancel: the build is left in order."""
    asked = threading.Event()
    before = {each: signal.signal(each, lambda *_: asked.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
