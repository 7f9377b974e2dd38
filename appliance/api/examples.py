"""Examples of what is asked and answered, for the OpenAPI document. Used by openapi.py; tests/api/test_schema.py holds each
against its model."""

from __future__ import annotations

from typing import Any

_ITEM_ID = "6d7e3613-9742-57b2-a4cf-671dcb5aa2a1"
_RUN_ID = "c4b1a2d6-55a5-5e26-9d11-0f4d4a3f2b10"
_DATASET_ID = "0b9a4a2f-8f6d-4a57-9c58-0d6f0a1b2c3d"
_SHA256 = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_OTHER_SHA256 = f"sha256:{'5' * 64}"
_AT = "2026-11-22T09:30:00Z"
_BOX = {"x": 812.5, "y": 440.0, "width": 31.0, "height": 28.5}
_OUTLINE = [[-110.641, 44.9548], [-110.6407, 44.9548], [-110.6407, 44.9546], [-110.641, 44.9546], [-110.641, 44.9548]]

_ITEM = {
    "id": _ITEM_ID,
    "dataset_id": _DATASET_ID,
    "dataset": "port-survey",
    "name": "harbour-2026-11-22.tif",
    "state": "normalising",
    "size_bytes": 266_916_371,
    "sha256": _SHA256,
    "created_at": _AT,
    "progress_percent": 42.0,
}
_RUN = {
    "id": _RUN_ID,
    "item_id": _ITEM_ID,
    "item_name": _ITEM["name"],
    "detector": "tree-crowns",
    "version": "1.4.0",
    "state": "running",
    "progress": {"fraction": 0.25, "bands_done": 5, "bands_total": 20, "detections": 312, "seconds_left": 41.0},
    "attempt": 1,
    "created_at": _AT,
    "started_at": _AT,
}
_DATASET = {"id": _DATASET_ID, "name": "port-survey", "title": "Port survey", "created_at": _AT, "items": 128}
_DETECTION = {
    "run_id": _RUN_ID,
    "ordinal": 17,
    "label": "tree",
    "score": 0.83,
    "box": _BOX,
    "geometry": {"type": "Polygon", "coordinates": [_OUTLINE]},
    "area_square_metres": 8.8,
}
_MANIFEST = {
    "name": "tree-crowns",
    "version": "1.4.0",
    "task": "detect",
    "architecture": "centre",
    "taxonomy": [{"path": ["tree"]}],
    "input": {"bands": ["red", "green", "blue"], "tile_size": 512, "halo": 40},
    "decode": {"kind": "boxes"},
    "running_point": {"threshold": 0.41},
    "licence": "Apache-2.0",
}
_UPLOAD = {
    "part_size_bytes": 16_777_216,
    "parts": [
        {"number": 1, "size_bytes": 16_777_216, "url": "https://store.example/vedette/items/…?X-Amz-Signature=…"}
    ],
    "expires_at": _AT,
}

_STORED = {"storageUri": "s3://vedette/models/tree-crowns/1.4.0", "digest": _SHA256}
_DETECTOR_RESOURCE = {
    "apiVersion": "vedette.io/v1alpha1",
    "kind": "Detector",
    "metadata": {"name": "tree-crowns"},
    "spec": {"model": _STORED, "subscribe": [{"dataset": "port-survey", "where": "gsd_m <= 0.5"}]},
}
_TRAINING_JOB_RESOURCE = {
    "apiVersion": "vedette.io/v1alpha1",
    "kind": "TrainingJob",
    "metadata": {"name": "tree-crowns-port"},
    "spec": {
        "dataset": {"train": _SHA256, "validation": _OTHER_SHA256},
        "from": {"storageUri": "s3://vedette/models/tree-crowns/1.4.0"},
        "configuration": {"inline": {"licence": "Apache-2.0", "epochs": 20}},
        "publish": {"model": "tree-crowns", "version": "1.5.0"},
    },
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "ChangeResource": {"spec": {"suspend": True}},
    "DetectorResource": _DETECTOR_RESOURCE,
    "TrainingJobResource": _TRAINING_JOB_RESOURCE,
    "SignIn": {"link": "the-part-after-link="},
    "PasswordChange": {"password": "twelve characters or more"},
    "LinkRequest": {"name": "a.lovelace", "role": "analyst"},
    "TokenRequest": {"name": "nightly import"},
    "NewDataset": {"name": "port-survey", "title": "Port survey"},
    "ChangeDataset": {"title": "Port survey, autumn", "priority": 5},
    "NewItem": {"name": _ITEM["name"], "size_bytes": _ITEM["size_bytes"], "sha256": _SHA256},
    "NewRun": {"detector": "tree-crowns", "version": "1.4.0"},
    "ChangeDetector": {"subscribe": ["port-survey"]},
    "NewDetector": {
        "manifest": _MANIFEST,
        "digest": _SHA256,
        "files": [{"name": "model.onnx", "size_bytes": 12_000_000, "sha256": _SHA256}],
        "subscribe": ["port-survey"],
    },
    "NewSnapshot": {"items": [{"name": _ITEM["name"]}]},
    "AnnotationImport": {
        "source": "crowns.geojson",
        "records": [{"item": _ITEM["name"], "label": "tree", "box": _BOX}],
    },
    "SessionView": {"name": "a.lovelace", "role": "analyst", "expires_at": _AT, "has_password": True},
    "Item": _ITEM,
    "ItemPage": {"items": [_ITEM], "next": None},
    "ItemUpload": {"item": {**_ITEM, "state": "uploading", "progress_percent": 0.0}, "upload": _UPLOAD},
    "DatasetView": _DATASET,
    "DatasetPage": {"items": [_DATASET], "next": None},
    "Run": _RUN,
    "RunPage": {"items": [_RUN], "next": None},
    "Detection": _DETECTION,
    "DetectionPage": {"items": [_DETECTION], "next": "WzE3XQ", "total": 1284},
    "AnnotationCounts": {"items": 1, "imported": 61, "replaced": 0, "overruled": 0},
    "Problem": {
        "type": "urn:vedette:problem:conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "harbour-2026-11-22.tif is queued.",
        "code": "conflict",
        "remedy": "Only what failed is retried.",
    },
}
"""By the name of the model."""
