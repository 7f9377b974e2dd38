"""Images as one stream that `ctr -n k8s.io images import -` takes, made from the store as it goes. Called by __main__.py and by tests.

An OCI image layout in a tar; what images share is in it once.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from appliance.contracts.errors import Code, VedetteError
from images import oci
from images.layers import tar_stream
from images.store import Blob, Store

Reference = tuple[str, str, str]
"""Repository, tag, digest of the manifest."""


def write(store: Store, references: Sequence[Reference], target: BinaryIO) -> None:
    """VedetteError when an image is no longer in the store."""
    manifests = [(repository, tag, _blob(store, digest)) for repository, tag, digest in references]
    index = oci.index(manifests)
    blobs = list(dict.fromkeys(digest for _, _, blob in manifests for digest in _parts(store, blob)))
    with tar_stream(target, tarfile.GNU_FORMAT) as tar:
        for name, content in (("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index)):
            tar.addfile(_entry(name, len(content)), io.BytesIO(content))
        for digest in blobs:
            path = store.path(digest)
            with path.open("rb") as file:
                tar.addfile(_entry(f"blobs/sha256/{path.name}", path.stat().st_size), file)


def _parts(store: Store, manifest: Blob) -> Iterator[str]:
    """Digests of all that an image is made of, itself first."""
    yield manifest.digest
    parsed = json.loads(store.path(manifest.digest).read_text())
    for part in (parsed["config"], *parsed["layers"]):
        yield _blob(store, part["digest"]).digest


def _blob(store: Store, digest: str) -> Blob:
    path = store.path(digest)
    if not path.exists():
        raise VedetteError(Code.NOT_FOUND, f"A part of the image, {digest}, is not in the cache.", "Run `make images`.")
    return Blob(digest, path.stat().st_size)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry
