"""GeoJSON polygons (RFC 7946, WGS84; or the older `crs` member) of one item, turned into its pixels.

A FeatureCollection of at most 512 MiB, or one Feature per line (RFC 8142, GeoJSONSeq), which is streamed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from pyproj.exceptions import CRSError

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Affine as Coefficients
from appliance.formats.labels import coco, records

_LIMIT_BYTES = 512 << 20
_WGS84 = "OGC:CRS84"
_LINES = {".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".geojsonseq"}
_LABELS = ("label", "class", "category", "name", "type")
ToPixels = Callable[[records.Ring], records.Ring]
"""A ring on the ground as a ring in pixels; empty where it lies outside what the item's CRS can hold."""


@dataclass(frozen=True)
class Georeference:
    """Where an item lies: its name, CRS (WKT or EPSG:n; None: coordinates are pixels) and pixel-to-ground transform."""

    item: str
    crs: str | None
    transform: Coefficients


def read(path: Path, scene: Georeference, label_property: str | None = None) -> Iterator[AnnotationRecord]:
    """Records of every Polygon; MultiPolygon parts become one record each. Other properties become attributes.

    The label is the property `label_property`, by default the first of label, class, category, name and type.
    Raises VedetteError(LABELS) for a bad feature and VedetteError(GEOREFERENCE) for a bad CRS.
    """
    if path.suffix.lower() in _LINES:
        to_pixels = _projector(path, scene, _WGS84)
        features: Iterator[tuple[str, Any]] = _lines(path)
    else:
        document = coco.load(path, _LIMIT_BYTES)
        if document.get("type") == "Feature":
            document = {**document, "features": [document]}
        if not isinstance(document.get("features"), list):
            records.refuse(path, "line 1", "not a FeatureCollection")
        to_pixels = _projector(path, scene, _named_crs(path, document))
        features = ((f"features[{i}]", feature) for i, feature in enumerate(document["features"]))
    for place, feature in features:
        yield from _feature(path, place, feature, _Reading(scene.item, to_pixels, label_property))


@dataclass(frozen=True)
class _Reading:
    item: str
    to_pixels: ToPixels
    label_property: str | None


def _feature(path: Path, place: str, feature: Any, reading: _Reading) -> Iterator[AnnotationRecord]:
    if not isinstance(feature, dict):
        records.refuse(path, place, "not a Feature")
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        records.refuse(path, place, f"the geometry is {kind or 'missing'}, not a Polygon")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        records.refuse(path, place, "the properties are no object")
    wanted = (reading.label_property,) if reading.label_property else _LABELS
    key = next((name for name in wanted if properties.get(name) not in (None, "")), None)
    if key is None:
        records.refuse(path, place, f"no property {' or '.join(wanted)} to take the label from")
    rest = {name: value for name, value in properties.items() if name != key and value is not None}
    parts = [geometry.get("coordinates")] if kind == "Polygon" else geometry.get("coordinates")
    if not isinstance(parts, list) or not parts:
        records.refuse(path, place, "the geometry has no coordinates")
    for part in parts:
        rings = [reading.to_pixels(ring) for ring in _rings(path, place, part)]
        if not all(rings):
            records.refuse(path, place, "the polygon lies outside what the item's CRS can hold")
        yield records.from_rings(path, place, reading.item, properties[key], rings, rest)


def _rings(path: Path, place: str, part: Any) -> list[records.Ring]:
    if not isinstance(part, list) or not all(isinstance(ring, list) and len(ring) >= 4 for ring in part):
        records.refuse(path, place, "a ring needs four positions")
    rings = []
    for ring in part:
        if not all(isinstance(position, list) and len(position) >= 2 for position in ring):
            records.refuse(path, place, "a position needs two numbers")
        rings.append([(records.number(path, place, "x", p[0]), records.number(path, place, "y", p[1])) for p in ring])
    return rings


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    records.check_size(path)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            text = line.strip(b"\x1e \t\r\n")
            if not text:
                continue
            try:
                yield f"line {number}", json.loads(text)
            except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
                records.refuse(path, f"line {number}", "not JSON")


def _named_crs(path: Path, document: dict[str, Any]) -> str:
    """The `crs` member of GeoJSON 2008, which GDAL and QGIS still write for a CRS other than WGS84."""
    member = document.get("crs")
    if member is None:
        return _WGS84
    held = member.get("properties") if isinstance(member, dict) else None
    name = held.get("name") if isinstance(held, dict) else None
    if not isinstance(name, str):
        records.refuse(path, "crs", "the crs member names no CRS")
    return name


def _projector(path: Path, scene: Georeference, source: str) -> ToPixels:
    to_pixel = ~Affine(*scene.transform)
    change = None
    if scene.crs is not None:
        try:
            change = pyproj.Transformer.from_crs(source, scene.crs, always_xy=True)
        except CRSError as error:
            raise VedetteError(
                Code.GEOREFERENCE,
                f"{path} or {scene.item} names a CRS that is not known: {str(error)[:200]}.",
                "Give the labels in WGS84.",
            ) from error

    def to_pixels(ring: records.Ring) -> records.Ring:
        x, y = np.array(ring, np.float64).T
        if change is not None:
            x, y = change.transform(x, y)
            if not (np.isfinite(x).all() and np.isfinite(y).all()):
                return []
        columns = to_pixel.a * x + to_pixel.b * y + to_pixel.c
        rows = to_pixel.d * x + to_pixel.e * y + to_pixel.f
        return [(float(column), float(row)) for column, row in zip(columns, rows, strict=True)]

    return to_pixels
