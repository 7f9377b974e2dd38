"""The two small images that a cluster brings along, as OCI archives for `ctr images import`: no registry, no engine.

`PAUSE` holds each pod's namespaces; `TOOLS` is busybox, statically linked, for pods of tests. The same content gives the
same digest. Knows no cluster.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAUSE = "vedette.io/test/pause:1"
TOOLS = "vedette.io/test/tools:1"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Image:
    """`files` are programs by their path in the image; `links` are symbolic links to them."""

    name: str
    files: Mapping[str, bytes]
    links: Mapping[str, str]
    command: Sequence[str]


def archives() -> list[bytes]:
    """Both images, built from what this machine has."""
    return [archive(_pause()), archive(_tools())]


def archive(image: Image) -> bytes:
    """An OCI image layout in a tar file."""
    layer = _layer(image)
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": _EPOCH,
        "config": {"Entrypoint": list(image.command), "Env": ["PATH=/bin"], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = [layer, json.dumps(config).encode()]
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", blobs[1]),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }
    blobs.append(json.dumps(manifest).encode())
    named = _descriptor(_MANIFEST, blobs[2])
    named["annotations"] = {"io.containerd.image.name": image.name}
    files = {
        "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [named]}).encode(),
    }
    files |= {f"blobs/sha256/{_digest(blob).removeprefix('sha256:')}": blob for blob in blobs}
    return _tar([_file(name, content, 0o644) for name, content in files.items()])


def _pause() -> Image:
    with tempfile.TemporaryDirectory(prefix="vedette-pause-") as folder:
        program = Path(folder) / "pause"
        source = Path(__file__).parents[2] / "images/pause/pause.c"
        subprocess.run(["gcc", "-static", "-Os", "-s", "-o", str(program), str(source)], check=True, timeout=60)
        return Image(PAUSE, {"bin/pause": program.read_bytes()}, {}, ("/bin/pause",))


def _tools() -> Image:
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    links = {f"bin/{name}": "/bin/busybox" for name in names if name != "busybox"}
    return Image(TOOLS, {"bin/busybox": busybox.read_bytes()}, links, ("/bin/sh",))


def _layer(image: Image) -> bytes:
    entries = [_file(name, content, 0o755) for name, content in sorted(image.files.items())]
    for name, target in sorted(image.links.items()):
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, target
        entries.append((link, b""))
    return _tar(entries)


def _file(name: str, content: bytes, mode: int) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    return entry, content


def _tar(entries: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry, content in entries:
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()
