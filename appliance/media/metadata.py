"""When a picture was taken, how the camera was held, and where: from EXIF, TIFF and NITF tags. Used by decode.

EXIF is read by Pillow, which parses tags without decoding pixels; everything else comes from GDAL's metadata.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_STAMP = re.compile(r"(\d{4})[-:/]?(\d{2})[-:/]?(\d{2})[T _]?(\d{2}):?(\d{2}):?(\d{2})")
_NITF_21 = ("NITF_IDATIM", "NITF_FDT")


@dataclass(frozen=True)
class Metadata:
    """`orientation` is EXIF's: 1 upright, 2 mirrored, 3 upside down ... 8 turned left."""

    orientation: int = 1
    acquired_at: datetime | None = None
    notes: tuple[str, ...] = ()


def of_file(path: Path, tags: dict[str, str], georeferenced: bool) -> Metadata:
    """Never raises: tags that make no sense are left out."""
    exif = _exif(path)
    inner = _directory(exif, ExifTags.IFD.Exif)
    notes: list[str] = []
    taken = _exif_time(inner, notes) or _tag_time(tags, notes)
    position = _gps(_directory(exif, ExifTags.IFD.GPSInfo))
    if position and not georeferenced:
        notes.append(f"The camera stood near {position[0]:.6f}, {position[1]:.6f} (longitude, latitude; EXIF GPS).")
    orientation = exif.get(ExifTags.Base.Orientation, 1) if exif else 1
    usable = isinstance(orientation, int) and 1 <= orientation <= 8 and not georeferenced
    return Metadata(orientation if usable else 1, taken, tuple(notes))


def parse_time(text: str) -> datetime | None:
    """The first date with a time in `text`, taken as UTC; None for none, for one before 1900, or in the future."""
    found = _STAMP.search(text)
    if not found:
        return None
    try:
        moment = datetime(*map(int, found.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return None
    return moment if _EARLIEST < moment < datetime.now(UTC) + timedelta(days=1) else None


def _exif(path: Path) -> Any:
    with warnings.catch_warnings(), contextlib.suppress(Exception):  # any broken tag: as if there were none
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(path, formats=("JPEG", "PNG", "TIFF")) as image:
            exif = image.getexif()
            exif.get(ExifTags.Base.Orientation)  # parses what is only held until then
            return exif
    return None


def _directory(exif: Any, which: ExifTags.IFD) -> dict[int, Any]:
    with contextlib.suppress(Exception):
        return dict(exif.get_ifd(which)) if exif else {}
    return {}


def _exif_time(inner: dict[int, Any], notes: list[str]) -> datetime | None:
    text = inner.get(ExifTags.Base.DateTimeOriginal) or inner.get(ExifTags.Base.DateTimeDigitized)
    moment = parse_time(text) if isinstance(text, str) else None
    if moment is None:
        return None
    offset = re.fullmatch(r"([+-])(\d{2}):(\d{2})", str(inner.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 "))
    if not offset:
        notes.append("Its acquisition time names no time zone and is taken as UTC.")
        return moment
    shift = timedelta(hours=int(offset[2]), minutes=int(offset[3])) * (1 if offset[1] == "+" else -1)
    return moment.replace(tzinfo=timezone(shift)).astimezone(UTC) if abs(shift) < timedelta(hours=24) else moment


def _tag_time(tags: dict[str, str], notes: list[str]) -> datetime | None:
    for tag in ("ACQUISITIONDATETIME", *_NITF_21):
        if moment := parse_time(tags.get(tag, "")):
            return moment
    moment = parse_time(tags.get("TIFFTAG_DATETIME", ""))
    if moment:
        notes.append("Its time is that of the TIFF file (DateTime), which may be later than the acquisition.")
    return moment


def _gps(tags: dict[int, Any]) -> tuple[float, float] | None:
    """Longitude and latitude in degrees, or None."""
    with contextlib.suppress(Exception):
        latitude = _degrees(tags[ExifTags.GPS.GPSLatitude]) * (-1 if tags[ExifTags.GPS.GPSLatitudeRef] == "S" else 1)
        longitude = _degrees(tags[ExifTags.GPS.GPSLongitude]) * (-1 if tags[ExifTags.GPS.GPSLongitudeRef] == "W" else 1)
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return longitude, latitude
    return None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
