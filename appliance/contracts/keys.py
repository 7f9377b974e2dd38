"""Where everything lies in the object store. Deterministic: doing a thing twice writes the same key."""

from __future__ import annotations

from appliance.contracts.base import ItemId, Name, RunId, Sha256, Version

BUCKET = "vedette"


def item_prefix(item_id: ItemId) -> str:
    return f"items/{item_id}/"


def original(item_id: ItemId) -> str:
    return f"items/{item_id}/original"


def scene(item_id: ItemId) -> str:
    """The normalised COG."""
    return f"items/{item_id}/scene.tif"


def thumbnail(item_id: ItemId, media_type: str = "image/webp") -> str:
    """Items that were made ready before thumbnails were WebP keep a PNG."""
    return f"items/{item_id}/thumbnail.{'png' if media_type == 'image/png' else 'webp'}"


def run_prefix(run_id: RunId) -> str:
    return f"runs/{run_id}/"


def checkpoint(run_id: RunId, band: int) -> str:
    """What band `band` found, before seams are settled (inference/band_file.py): a resumed run starts from it."""
    return f"runs/{run_id}/bands/{band:06d}.parquet"


def detections(run_id: RunId) -> str:
    return f"runs/{run_id}/detections.parquet"


def model_prefix(name: Name, version: Version) -> str:
    return f"models/{name}/{version}/"


def package_digest(name: Name, version: Version) -> str:
    """The digest of the model package that lies there, as text; written after its files."""
    return f"{model_prefix(name, version)}digest"


TRAINING_PREFIX = "trainingjobs/"


def training_prefix(uid: str) -> str:
    """Checkpoints of a TrainingJob of a cluster."""
    return f"{TRAINING_PREFIX}{uid}/"


def snapshot_prefix(digest: Sha256) -> str:
    return f"snapshots/{digest.removeprefix('sha256:')}/"
