"""A model package into the object store: files first, its digest last (ADR 16). Called by run.py."""

from __future__ import annotations

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Name, Sha256, Version
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage

_MEDIA_TYPE = "application/octet-stream"
_DIGEST_BYTES = 200


def published(store: ObjectStore, name: Name, version: Version) -> Sha256 | None:
    """The digest of the package that lies there whole, if one does."""
    try:
        return store.get_bytes(keys.package_digest(name, version), _DIGEST_BYTES).decode().strip()
    except VedetteError as error:
        if error.reason.code is Code.NOT_FOUND:
            return None
        raise


def publish(store: ObjectStore, package: ModelPackage) -> None:
    """Publishing the same twice is publishing once. Raises VedetteError(CONFLICT) where another content lies."""
    name, version = package.manifest.name, package.manifest.version
    there = published(store, name, version)
    if there == package.digest:
        return
    if there is not None:
        raise exists(name, version, there)
    prefix = keys.model_prefix(name, version)
    for file in model_package.files_of(package.manifest):
        store.put_file(prefix + file, package.folder / file, _MEDIA_TYPE)
    store.put_bytes(keys.package_digest(name, version), package.digest.encode(), "text/plain")


def exists(name: Name, version: Version, there: Sha256) -> VedetteError:
    message = f"{name} {version} is published already, with another content ({there})."
    return VedetteError(Code.CONFLICT, message, "Make another TrainingJob with another version in spec.publish.")
