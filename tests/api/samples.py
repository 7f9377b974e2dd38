"""Small real things: a COG, a model package, a detections file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
import shapely
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from appliance.contracts import keys
from appliance.contracts.base import now
from appliance.contracts.detection import PARQUET_COLUMNS, RunSummary
from appliance.contracts.item import BandStatistics, SceneInfo
from appliance.contracts.messages import RunFinished, RunReport
from appliance.contracts.model_package import (
    DecodeHead,
    Manifest,
    ModelInput,
    Precision,
    RunningPoint,
    Task,
    TaxonomyClass,
    Variant,
)
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage

WIDTH, HEIGHT = 600, 400
ORIGIN = (404_000.0, 3_285_000.0)
"""Easting and northing in EPSG:32617 of the upper left corner; near Ordway-Swisher in Florida."""


def scene_info(crs: str | None = "EPSG:32617", dtype: str = "uint8", bands: int = 3) -> SceneInfo:
    west, north = ORIGIN
    names = ("red", "green", "blue", "nir")[:bands]
    top = 255.0 if dtype == "uint8" else 4000.0
    return SceneInfo(
        width=WIDTH,
        height=HEIGHT,
        dtype=dtype,
        bands=[
            BandStatistics(
                name=name, minimum=0, maximum=top, mean=1, standard_deviation=1, low=0, high=top, valid_percent=100
            )
            for name in names
        ],
        colour_interpretation=["red", "green", "blue", "undefined"][:bands] if bands >= 3 else ["gray"],
        block_size=(256, 256),
        overviews=[2],
        crs=crs,
        transform=(1.0, 0.0, west, 0.0, -1.0, north) if crs else (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        gsd_metres=1.0 if crs else None,
        driver="GTiff",
    )


def write_cog(path: Path, crs: str | None = "EPSG:32617") -> None:
    """Left half red, right half blue; a block of nodata (alpha 0) in the upper left corner."""
    pixels = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    pixels[0, :, : WIDTH // 2] = 255
    pixels[2, :, WIDTH // 2 :] = 255
    placed = {"crs": crs, "transform": Affine(1, 0, ORIGIN[0], 0, -1, ORIGIN[1])} if crs else {}
    options = {"width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8", "blocksize": 256, **placed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="COG", compress="deflate", **options) as target:
            target.write(pixels)
            mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
            mask[:64, :64] = 0
            target.write_mask(mask)


def package(folder: Path, name: str = "crowns", version: str = "1.0.0", threshold: float = 0.5) -> ModelPackage:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(b"onnx of " + f"{name} {version}".encode() * 100)
    manifest = Manifest(
        name=name,
        version=version,
        task=Task.DETECT,
        architecture="test",
        taxonomy=[TaxonomyClass(path=("tree",))],
        input=ModelInput(bands=["red", "green", "blue"], tile_size=256, halo=32),
        decode=DecodeHead(kind="boxes"),
        running_point=RunningPoint(threshold=threshold),
        licence="Apache-2.0",
    )
    return model_package.write(folder, manifest, {"f1": 0.5}, "# A card\n")


def with_variant(made: ModelPackage) -> ModelPackage:
    """The package with a variant in int8 beside its model."""
    content = made.model_path.read_bytes()[::-1]
    (made.folder / "model.int8.onnx").write_bytes(content)
    nothing = f"sha256:{'0' * 64}"
    variant = Variant(
        precision=Precision.INT8,
        file="model.int8.onnx",
        digest=digest.of_bytes(content),
        backend="onnxruntime",
        speed_up=2.0,
        metric="f1@0.4",
        value=0.6,
        loss=0.001,
        snapshot=nothing,
        running_point=RunningPoint(threshold=0.4),
    )
    manifest = made.manifest.model_copy(update={"variants": [variant]})
    return model_package.write(made.folder, manifest, {"f1": 0.5}, "# A card\n")


def package_body(made: ModelPackage, subscribe: list[str] | None = None) -> dict[str, Any]:
    files = [
        {"name": name, "size_bytes": (made.folder / name).stat().st_size, "sha256": digest.of_file(made.folder / name)}
        for name in model_package.files_of(made.manifest)
    ]
    manifest = made.manifest.model_dump(mode="json")
    return {"manifest": manifest, "digest": made.digest, "files": files, "subscribe": subscribe}


def write_detections(
    path: Path, boxes: np.ndarray[Any, Any], scores: np.ndarray[Any, Any], polygons: np.ndarray[Any, Any]
) -> None:
    """`boxes` (n, 4) x, y, width, height in pixels; `polygons` (n,) shapely, WGS84 or pixels."""
    count = len(boxes)
    columns = {
        "ordinal": pa.array(np.arange(count), pa.int64()),
        "label": pa.array(["tree"] * count, pa.string()),
        "score": pa.array(scores, pa.float32()),
        "x": pa.array(boxes[:, 0], pa.float64()),
        "y": pa.array(boxes[:, 1], pa.float64()),
        "width": pa.array(boxes[:, 2], pa.float64()),
        "height": pa.array(boxes[:, 3], pa.float64()),
        "angle_degrees": pa.array(np.zeros(count), pa.float64()),
        "area_square_metres": pa.array([None] * count, pa.float64()),
        "geometry": pa.array(shapely.to_wkb(polygons), pa.binary()),
    }
    assert tuple(columns) == PARQUET_COLUMNS
    pq.write_table(pa.table(columns), path, row_group_size=8192)


def pixel_detections(path: Path, count: int, seed: int = 1) -> None:
    """Small squares scattered over the sample scene, in pixel coordinates, of rising score."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(5, WIDTH - 5, count), random.uniform(5, HEIGHT - 5, count)
    boxes = np.column_stack((x, y, np.full(count, 8.0), np.full(count, 8.0)))
    write_detections(path, boxes, np.linspace(0.0, 1.0, count), shapely.box(x - 4, y - 4, x + 4, y + 4))


def worker(**said: Any) -> WorkerAnnouncement:
    """A detector worker that can do anything."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "name": "detector-1",
        "kind": WorkerKind.DETECTOR,
        "version": "0.1.0",
        "host": "here",
        "process_id": 1,
        "cpus": 2,
        "memory_bytes": 16 << 30,
        "available_bytes": 8 << 30,
        "lane": True,
        "started_at": now(),
        "seen_at": now(),
    }
    return WorkerAnnouncement.model_validate(values | said)


def finished(run_id: UUID, count: int, attempt: int = 1) -> RunReport:
    summary = RunSummary(detections=count, tiles=1, tiles_skipped=0, megapixels=0.24, seconds=1)
    body = RunFinished(summary=summary, detections_key=keys.detections(run_id))
    return RunReport(run_id=run_id, attempt=attempt, body=body)
