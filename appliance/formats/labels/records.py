"""What all label formats share: one record made and checked, and the error that names file and place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NoReturn

from pydantic import ValidationError

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.detection import PixelBox
from appliance.contracts.errors import Code, VedetteError

Ring = list[tuple[float, float]]
LARGEST_FILE_BYTES = 1 << 30
LARGEST_COORDINATE = 1e8
_REMEDY = "Correct that entry, or leave it out, and import again."


def refuse(path: Path, place: str, why: str) -> NoReturn:
    """Raise VedetteError(LABELS) for one place in one file."""
    raise VedetteError(Code.LABELS, f"{path}, {place}: {why}.", _REMEDY)


def check_size(path: Path, limit: int = LARGEST_FILE_BYTES) -> None:
    """Raises VedetteError(NOT_FOUND | LIMIT)."""
    if not path.is_file():
        raise VedetteError(Code.NOT_FOUND, f"{path} is not a file.", "Check the path.")
    if path.stat().st_size > limit:
        raise VedetteError(Code.LIMIT, f"{path} is larger than {limit >> 20} MiB.", "Split it by image.")


def item_name(path: Path, place: str, name: object) -> str:
    """The file name without the folders that label files carry along, of either kind of slash."""
    plain = PurePosixPath(PureWindowsPath(name).as_posix()).name if isinstance(name, str) else ""
    if not plain:
        refuse(path, place, "no image name")
    return plain


def number(path: Path, place: str, what: str, value: object) -> float:
    """A finite coordinate. Texts are read as numbers, since CSV and XML know nothing else."""
    try:
        result = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except ValueError:
        result = math.nan
    if not math.isfinite(result) or abs(result) > LARGEST_COORDINATE:
        refuse(path, place, f"{what} is not a coordinate: {str(value)[:60]!r}")
    return result


def from_corners(
    path: Path, place: str, name: str, label: object, corners: Sequence[float], attributes: dict[str, Any] | None = None
) -> AnnotationRecord:
    """A record of an upright box x0, y0, x1, y1 in pixels."""
    x0, y0, x1, y1 = corners
    if x1 <= x0 or y1 <= y0:
        refuse(path, place, f"the box has no area: {x0:g},{y0:g} to {x1:g},{y1:g}")
    box = PixelBox(x=(x0 + x1) / 2, y=(y0 + y1) / 2, width=x1 - x0, height=y1 - y0)
    return _record(path, place, name, label, {"box": box, "attributes": attributes or {}})


def from_rings(
    path: Path, place: str, name: str, label: object, rings: list[Ring], attributes: dict[str, Any] | None = None
) -> AnnotationRecord:
    """A record of a polygon in pixels; its box is the envelope of the first ring."""
    shell = rings[0] if rings else []
    if len(shell) < 3:
        refuse(path, place, "a polygon needs three points")
    xs, ys = [x for x, _ in shell], [y for _, y in shell]
    if max(xs) <= min(xs) or max(ys) <= min(ys):
        refuse(path, place, "the polygon has no area")
    box = PixelBox(
        x=(min(xs) + max(xs)) / 2, y=(min(ys) + max(ys)) / 2, width=max(xs) - min(xs), height=max(ys) - min(ys)
    )
    return _record(path, place, name, label, {"box": box, "polygon": rings, "attributes": attributes or {}})


def _record(path: Path, place: str, name: str, label: object, rest: dict[str, Any]) -> AnnotationRecord:
    try:
        return AnnotationRecord(item=name, label=str(label).strip() if label is not None else "", **rest)
    except ValidationError as error:
        first = error.errors()[0]
        refuse(path, place, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
