"""Pascal VOC XML, one file per image (Everingham et al. 2010), as labelImg and DeepForest write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from appliance.contracts.annotation import AnnotationRecord
from appliance.formats.labels import records

_LIMIT_BYTES = 64 << 20
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path) -> Iterator[AnnotationRecord]:
    """Records in the file's order. VOC's flags difficult, truncated and occluded are kept as attributes where set."""
    records.check_size(path, _LIMIT_BYTES)
    name = ""
    count = 0
    try:
        # Expat refuses entity bombs by itself (2.4.1 and later) and ElementTree fetches no external entity.
        for _, element in ElementTree.iterparse(path, events=("end",)):  # noqa: S314
            if element.tag == "filename":
                name = records.item_name(path, "filename", (element.text or "").strip())
            elif element.tag == "object":
                count += 1
                yield _object(path, f"object {count}", name, element)
                element.clear()
    except ElementTree.ParseError as error:
        line, _ = error.position
        records.refuse(path, f"line {line}", "not well-formed XML")


def _object(path: Path, place: str, name: str, element: ElementTree.Element) -> AnnotationRecord:
    if not name:
        records.refuse(path, place, "the file names no image before its objects")
    box = element.find("bndbox")
    if box is None:
        records.refuse(path, place, "no bndbox")
    corners = [records.number(path, place, key, (box.findtext(key) or "").strip()) for key in _CORNERS]
    flags = {
        key: True for key in ("difficult", "truncated", "occluded") if (element.findtext(key) or "").strip() == "1"
    }
    return records.from_corners(path, place, name, element.findtext("name"), corners, flags)
