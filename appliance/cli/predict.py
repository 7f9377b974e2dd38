"""`vedette predict SCENE... --detector PACKAGE -o FILE`: a model package on files, without any server."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import exit_codes, progress
from appliance.cli.output import Output
from appliance.contracts.detection import RunSummary
from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.contracts.model_package import Precision
from appliance.contracts.run import Progress
from appliance.formats import model_package
from appliance.inference import export, fence_file, preview
from appliance.inference.backends import catalogue, choice
from appliance.inference.backends.base import Allowance
from appliance.inference.backends.choice import Opened
from appliance.inference.checkpoints import FolderCheckpoints
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene

_MOST_THREADS = 1024


def command(
    scenes: Annotated[list[Path], typer.Argument(metavar="SCENE...", help="Rasters: GeoTIFF, JPEG 2000, PNG, JPEG.")],
    detector: Annotated[Path, typer.Option("--detector", "-d", help="Model package folder.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .geojson, .gpkg, .parquet or .fgb.")
    ] = Path("detections.geojson"),
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which an object counts; else the package's own.")
    ] = None,
    geofence: Annotated[
        Path | None, typer.Option(help="GeoJSON or GeoPackage polygons; only what lies inside is kept.")
    ] = None,
    preview_file: Annotated[Path | None, typer.Option("--preview", help="PNG of the scene with its boxes.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=256, help="Tiles the model sees at once.")] = 8,
    threads: Annotated[int, typer.Option(min=0, max=_MOST_THREADS, help="Processor threads; 0 for all.")] = 0,
    backend_name: Annotated[
        str, typer.Option("--backend", help=f"What runs the model: {', '.join(catalogue.names())}.")
    ] = catalogue.AUTO,
    precision: Annotated[Precision, typer.Option(help="Which of the package's models.")] = Precision.FP32,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished bands: the same command then goes on there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per scene.")] = False,
) -> None:
    """Find the objects of scenes and write them to a file; several scenes get a file each (NAME-SCENE.SUFFIX)."""
    targets = _targets(scenes, out, preview_file)
    package = model_package.read(detector).at(precision)
    options = PredictOptions(
        threshold=threshold,
        batch_size=batch_size,
        decode_threads=threads,
        geofence=fence_file.read(geofence) if geofence else None,
        package=package.digest,
    )
    output = Output(as_json)
    opened = choice.open_backend(backend_name, package, Allowance(threads, batch_size))
    refused: list[Reason] = []
    with closing(opened.backend), progress.on(output) as shown:
        for target in targets:
            try:
                summary = _one(target, opened, options, _Watching(shown.show, checkpoints))
            except VedetteError as error:
                if len(targets) == 1:
                    raise
                refused.append(error.reason)
                print(f"vedette: {error.reason}", file=sys.stderr, flush=True)
                continue
            except KeyboardInterrupt:
                raise VedetteError(Code.CANCELLED, "Interrupted.", "Run the same command again.") from None
            shown.end(target.scene.name, f"done in {summary.seconds:.1f} s")
            for note in summary.notes:
                output.note(f"{target.scene.name}: {note}")
            record = {"scene": str(target.scene.path), "output": str(target.file), **summary.model_dump(mode="json")}
            output.result(record, f"{target.scene.path}: {summary.detections} detections in {target.file}")
    if refused:
        raise typer.Exit(exit_codes.of(refused[0]))


@dataclass(frozen=True)
class _Target:
    scene: SceneSource
    file: Path
    preview: Path | None


@dataclass(frozen=True)
class _Watching:
    show: Callable[[str, str, float | None], None]
    checkpoints: Path | None

    def hooks(self, name: str, place: str) -> Hooks:
        def report(so_far: Progress) -> None:
            self.show(name, f"{so_far.detections} found", so_far.fraction)

        kept = None if self.checkpoints is None else FolderCheckpoints(self.checkpoints / place)
        return Hooks(progress=report, checkpoints=kept)


def _one(target: _Target, opened: Opened, options: PredictOptions, watching: _Watching) -> RunSummary:
    manifest = opened.package.manifest
    hooks = watching.hooks(target.scene.name, target.file.stem)
    with tempfile.TemporaryDirectory(prefix="vedette-") as folder:
        straight = target.file.suffix.lower() == ".parquet"
        detections = target.file if straight else Path(folder) / "detections.parquet"
        summary = predict_scene(target.scene, manifest, opened.backend, detections, options, hooks)
        if not straight:
            export.export(detections, target.file)
        if target.preview is not None:
            preview.write(target.scene, manifest, detections, target.preview)
    return summary


def _targets(scenes: list[Path], out: Path, preview_file: Path | None) -> list[_Target]:
    """Where each scene's results go. Raises VedetteError before any work when one could not be written."""
    export.check(out)
    if preview_file is not None and (preview_file.suffix.lower() != ".png" or not preview_file.parent.is_dir()):
        raise VedetteError(Code.UNSUPPORTED, f"{preview_file} is no PNG file that can be written.", "Name a .png file.")
    targets: list[_Target] = []
    taken: set[str] = set()
    for scene in scenes:
        part = "" if len(scenes) == 1 else f"-{_unique(scene.stem, taken)}"
        picture = preview_file and preview_file.with_name(f"{preview_file.stem}{part}{preview_file.suffix}")
        source = SceneSource(str(scene), scene.name)
        targets.append(_Target(source, out.with_name(f"{out.stem}{part}{out.suffix}"), picture))
    return targets


def _unique(stem: str, taken: set[str]) -> str:
    name, count = stem, 2
    while name in taken:
        name, count = f"{stem}-{count}", count + 1
    taken.add(name)
    return name
