"""Bring a model package in and have it served; only what is missing is sent. Called by apply.py and declare.py."""

from __future__ import annotations

from threading import Event

from appliance.api.views.uploads import DetectorUpload, NewDetector, PackageFile
from appliance.cli import progress, transfer
from appliance.cli.connection import Session
from appliance.clients.parts import PartSender
from appliance.contracts.detector import Detector
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage


def push(session: Session, package: ModelPackage, subscribe: list[str] | None) -> Detector:
    """The detector, served. Announce, send what is missing, complete. `subscribe` None leaves subscriptions as they are."""
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
