"""COCO detection JSON (Lin et al. 2014; cocodataset.org, data format): bbox [x, y, width, height] and polygons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.contracts.annotation import AnnotationRecord
from appliance.formats.labels import records

_LIMIT_BYTES = 512 << 20
_KNOWN = {"id", "image_id", "category_id", "bbox", "segmentation", "area"}


def read(path: Path) -> Iterator[AnnotationRecord]:
    """Records in the file's order. Other fields (iscrowd where set, attributes, keypoints) become attributes.

    COCO may name its images after its annotations, so the whole file is held, of at most 512 MiB. A segmentation of
    one polygon becomes the record's polygon; of several, the parts of one object, it is kept as an attribute. Masks as
    run lengths (RLE) are refused: importing only their boxes would lose them unseen.
    """
    document = load(path, _LIMIT_BYTES)
    images = _names(path, document, "images", "file_name")
    categories = _names(path, document, "categories", "name")
    for index, entry in enumerate(_entries(path, document, "annotations")):
        place = f"annotations[{index}]"
        name = records.item_name(path, place, _looked_up(path, place, images, entry, "image_id"))
        label = _looked_up(path, place, categories, entry, "category_id")
        yield _record(path, place, (name, label), entry)


def load(path: Path, limit: int) -> dict[str, Any]:
    """A JSON object from a file of bounded size; refuses anything else."""
    records.check_size(path, limit)
    try:
        document = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        records.refuse(path, f"line {error.lineno}", f"not JSON: {error.msg}")
    except (UnicodeDecodeError, RecursionError):
        records.refuse(path, "line 1", "not JSON text")
    if not isinstance(document, dict):
        records.refuse(path, "line 1", "not a JSON object")
    return document


def _record(path: Path, place: str, names: tuple[str, str], entry: dict[str, Any]) -> AnnotationRecord:
    rest = {key: value for key, value in entry.items() if key not in _KNOWN and value not in (None, 0, [], {})}
    parts = entry.get("segmentation")
    if isinstance(parts, dict):
        records.refuse(path, place, "the mask is run-length encoded (RLE), which is not read; give polygons")
    if isinstance(parts, list) and len(parts) == 1:
        return records.from_rings(path, place, *names, [_ring(path, place, parts[0])], rest)
    if isinstance(parts, list) and parts:
        rest["segmentation"] = [_ring(path, place, part) for part in parts]
    corners = entry.get("bbox")
    if not isinstance(corners, list) or len(corners) != 4:
        records.refuse(path, place, "no bbox of four numbers")
    x, y, width, height = (records.number(path, place, "bbox", value) for value in corners)
    return records.from_corners(path, place, *names, (x, y, x + width, y + height), rest)


def _ring(path: Path, place: str, flat: object) -> records.Ring:
    if not isinstance(flat, list) or len(flat) < 6 or len(flat) % 2:
        records.refuse(path, place, "a polygon needs three points, x and y in turn")
    values = [records.number(path, place, "segmentation", value) for value in flat]
    return list(zip(values[::2], values[1::2], strict=True))


def _entries(path: Path, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        records.refuse(path, key, f"no list of {key}")
    return entries


def _names(path: Path, document: dict[str, Any], key: str, field: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for index, entry in enumerate(_entries(path, document, key)):
        if not isinstance(entry.get("id"), int) or not isinstance(entry.get(field), str):
            records.refuse(path, f"{key}[{index}]", f"no id or no {field}")
        names[entry["id"]] = entry[field]
    return names


def _looked_up(path: Path, place: str, names: dict[int, str], entry: dict[str, Any], field: str) -> str:
    identifier = entry.get(field)
    if not isinstance(identifier, int) or identifier not in names:
        records.refuse(path, place, f"{field} {str(identifier)[:60]} is not in the file")
    return names[identifier]
