"""Where the files of a model package come from: the object store, or the model cache of this node in front of it.

Used by worker_packages.py, which checks what came. A source brings files and knows nothing of digests being right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import httpx

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE
from appliance.formats import model_package

PACKAGE_LIMIT = 8 << 30
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 120.0
"""The model cache may have to fetch the package first."""


class PackageSource(Protocol):
    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def fetch(self, prefix: str, digest: Sha256, folder: Path) -> None:
        """Bring every file of the package below `prefix` into `folder`; the digest is not checked.

        Raises VedetteError: MODEL_PACKAGE where it is not whole, TOO_LARGE, STORE or UNAVAILABLE (retryable) where
        nobody answers; OSError where `folder` takes no more.
        """
        ...


class StoreSource:
    """The object store, where every package lies."""

    name = "object store"

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def fetch(self, prefix: str, digest: Sha256, folder: Path) -> None:  # noqa: ARG002 - the store knows names
        self._check_size(prefix, model_package.FILES)
        self._store.get_file(prefix + MANIFEST_FILE, folder / MANIFEST_FILE)
        names = model_package.files_of(model_package.parse_manifest(folder / MANIFEST_FILE))
        self._check_size(prefix, names)
        for name in names:
            if name != MANIFEST_FILE:
                self._store.get_file(prefix + name, folder / name)

    def _check_size(self, prefix: str, names: Iterable[str]) -> None:
        sizes = {name: self._store.stat(prefix + name) for name in names}
        missing = [name for name, stat in sizes.items() if stat is None]
        if missing:
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"The store does not hold {', '.join(missing)} of the model package {prefix.strip('/')}.",
                "Apply the detector again with `vedette detector apply`.",
            )
        if sum(stat.size_bytes for stat in sizes.values() if stat is not None) > PACKAGE_LIMIT:
            raise too_large(prefix)


class ModelCacheSource:
    """The model cache at `url` (inference/model_cache.py). It knows packages by name, version and digest."""

    name = "model cache"

    def __init__(self, url: str) -> None:
        """Raises VedetteError(INVALID) where that is no address."""
        if not url.startswith(("http://", "https://")):
            raise VedetteError(
                Code.INVALID, f"'{url}' is no address of a model cache.", "Correct VEDETTE_WORK_PACKAGES_URL."
            )
        self._url = url.rstrip("/")

    def fetch(self, prefix: str, digest: Sha256, folder: Path) -> None:
        name, version = prefix.rstrip("/").split("/")[-2:]
        if prefix != keys.model_prefix(name, version):
            raise VedetteError(Code.NOT_FOUND, f"The model cache keeps nothing of {prefix}.")
        place = f"/packages/{name}/{version}/{digest.removeprefix('sha256:')}/"
        patience = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        try:
            with httpx.Client(base_url=self._url, timeout=patience, trust_env=False) as http:
                left = _get(http, place + MANIFEST_FILE, folder / MANIFEST_FILE, PACKAGE_LIMIT)
                for file in model_package.files_of(model_package.parse_manifest(folder / MANIFEST_FILE)):
                    if file != MANIFEST_FILE:
                        left = _get(http, place + file, folder / file, left)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"The model cache does not answer: {str(error) or type(error).__name__}."
            raise VedetteError(Code.UNAVAILABLE, message, "See its log.", retryable=True) from error


def _get(http: httpx.Client, place: str, path: Path, most: int) -> int:
    """How many bytes of `most` are left."""
    with http.stream("GET", place) as response, path.open("wb") as into:
        if response.status_code != 200:
            message = f"The model cache answered {response.status_code} for {place}."
            raise VedetteError(Code.UNAVAILABLE, message, "See its log.", retryable=True)
        for chunk in response.iter_raw(1 << 20):
            most -= into.write(chunk)
            if most < 0:
                raise too_large(place)
    return most


def too_large(prefix: str) -> VedetteError:
    return VedetteError(Code.TOO_LARGE, f"The model package {prefix} is larger than 8 GiB.", "Export a smaller model.")
