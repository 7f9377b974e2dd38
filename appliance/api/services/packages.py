"""Whether a model package is what it says: file names and digests before, the stored bytes after. Called by detectors.py and
registration.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

from appliance.api.storage.detectors import DetectorRecord
from appliance.api.views.uploads import NewDetector
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE, Manifest
from appliance.formats import digest, model_package

_MANIFEST_LIMIT = 1 << 20


def check_files(body: NewDetector) -> None:
    """The announced files are those of a package, and their digests give the package's. Raises MODEL_PACKAGE, DIGEST."""
    names = [file.name for file in body.files]
    wanted = model_package.files_of(body.manifest)
    if sorted(names) != sorted(wanted):
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"This model package is {', '.join(wanted)}; announced are {', '.join(names)}.",
            "Announce exactly these files.",
        )
    announced = {file.name: file.sha256 for file in body.files}
    wrong = [each.file for each in body.manifest.variants if announced[each.file] != each.digest]
    if wrong:
        raise VedetteError(
            Code.DIGEST, f"{wrong[0]} is not the file that the manifest was measured with.", "Copy the package again."
        )
    computed = digest.of_files((file.name, file.sha256) for file in body.files)
    if computed != body.digest:
        raise VedetteError(
            Code.DIGEST, f"The files announced have digest {computed}, not {body.digest}.", "Read the package again."
        )


def refuse_change(known: Detector, body: NewDetector) -> None:
    if known.digest != body.digest:
        raise VedetteError(
            Code.CONFLICT,
            f"{known.name} {known.version} is served already, with other content.",
            "Give the package a new version; a version never changes.",
        )


def verify(store: ObjectStore, record: DetectorRecord) -> None:
    """Read the files back and compare. Raises VedetteError(DIGEST | MODEL_PACKAGE)."""
    detector = record.detector
    prefix = keys.model_prefix(detector.name, detector.version)
    found = {one.file.name: store.digest(prefix + one.file.name) for one in record.files}
    for one in record.files:
        if found[one.file.name] != one.file.sha256:
            raise VedetteError(
                Code.DIGEST,
                f"{one.file.name} of {detector.name} {detector.version} arrived with other content than announced.",
                "Apply the package again.",
            )
    if digest.of_files(found.items()) != detector.digest:
        raise VedetteError(Code.DIGEST, f"{detector.name} {detector.version} has another digest.", "Apply it again.")
    if manifest_in(store, prefix) != detector.manifest:
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{MANIFEST_FILE} is not the manifest that was announced.", "Apply it again."
        )


def manifest_in(store: ObjectStore, prefix: str) -> Manifest:
    """Of the package that lies below the prefix. Raises VedetteError(MODEL_PACKAGE | NOT_FOUND | STORE)."""
    with tempfile.TemporaryDirectory(prefix="vedette-package-") as folder:
        path = Path(folder) / MANIFEST_FILE
        path.write_bytes(store.get_bytes(prefix + MANIFEST_FILE, _MANIFEST_LIMIT))
        return model_package.parse_manifest(path)
