"""An image's configuration and manifest, as bytes. Pure. Called by build.py and archive.py."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from images.layers import UID
from images.store import Blob

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Run:
    """How an image's program is run unless a manifest says otherwise."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"


def config(run: Run, layers: Sequence[tuple[str, Blob]], labels: Mapping[str, str], epoch: int) -> bytes:
    """Layers with their names, lowest first. They are not compressed, so their digests are those of their content."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _json(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": created,
            "config": {
                "User": f"{UID}:{UID}",
                "Env": [f"{name}={value}" for name, value in sorted(run.environment.items())],
                "Cmd": list(run.command),
                "WorkingDir": "/",
                "StopSignal": run.stop_signal,
                "Labels": dict(labels),
            },
            "rootfs": {"type": "layers", "diff_ids": [blob.digest for _, blob in layers]},
            "history": [{"created": created, "created_by": name} for name, _ in layers],
        }
    )


def manifest(config: Blob, layers: Sequence[Blob]) -> bytes:
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": [descriptor(LAYER, layer) for layer in layers],
        }
    )


def index(manifests: Sequence[tuple[str, str, Blob]]) -> bytes:
    """Of (repository, tag, manifest). Each is named twice, by tag and by digest, because a kubelet finds an image that was
    imported only under a name that it bears."""
    entries = []
    for repository, tag, blob in manifests:
        for name in (f"{repository}:{tag}", f"{repository}@{blob.digest}"):
            annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
            entries.append({**descriptor(MANIFEST, blob), "annotations": annotations})
    return _json({"schemaVersion": 2, "manifests": entries})


def descriptor(kind: str, blob: Blob) -> dict[str, object]:
    return {"mediaType": kind, "digest": blob.digest, "size": blob.size}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
