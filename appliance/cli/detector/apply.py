"""`vedette detector apply PACKAGE`: bring a model package in and serve it. Doing it twice changes nothing."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from appliance.api.views.uploads import DetectorUpload, NewDetector, PackageFile
from appliance.cli import connection, progress, transfer
from appliance.cli.connection import Session
from appliance.clients.parts import PartSender
from appliance.contracts.detector import Detector
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage


def command(
    ctx: typer.Context,
    package: Annotated[Path, typer.Argument(help="Folder of a model package, with manifest.yaml.")],
    subscribe: Annotated[
        list[str] | None,
        typer.Option(help="Datasets whose items, old and new, get a run by themselves; repeatable."),
    ] = None,
) -> None:
    """Serve a model package as a detector."""
    read = model_package.read(package)
    with connection.of(ctx) as session:
        detector = apply(session, read, subscribe)
        where = f", subscribed to {', '.join(detector.subscribe)}" if detector.subscribe else ""
        session.output.result(detector, f"Detector {detector.name} {detector.version} is served{where}.")


def apply(session: Session, package: ModelPackage, subscribe: list[str] | None) -> Detector:
    """Announce, send what is missing, complete. `subscribe` None leaves subscriptions as they are."""
    manifest = package.manifest
    new = NewDetector(manifest=manifest, digest=package.digest, files=_files(package), subscribe=subscribe)
    announced = session.api.post("/api/detectors", new, DetectorUpload)
    if announced.detector is not None:
        return announced.detector
    stop = Event()
    sender = PartSender(stop)
    try:
        with progress.on(session.output) as show:
            for name, upload in announced.uploads.items():
                transfer.send(
                    sender,
                    package.folder / name,
                    upload,
                    lambda name=name: session.api.post("/api/detectors", new, DetectorUpload).uploads[name],  # type: ignore[misc]
                    lambda done, name=name: show.show(name, "sending", done),  # type: ignore[misc]
                )
    except KeyboardInterrupt:
        stop.set()
        raise
    finally:
        sender.close()
    return session.api.post(f"/api/detectors/{manifest.name}/{manifest.version}/complete", None, Detector)


def _files(package: ModelPackage) -> list[PackageFile]:
    folder = package.folder
    return [
        PackageFile(name=name, size_bytes=(folder / name).stat().st_size, sha256=digest.of_file(folder / name))
        for name in model_package.files_of(package.manifest)
    ]
