"""What GDAL says besides what it raises. Used by the decoding process: a failed flush and a half JPEG are only logged."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator

_GDAL_LOG = "rasterio"
_JPEG = re.compile(r"(?:libjpeg|JPEGLib): *([^(]*)")
_STRAY = "extraneous bytes before marker"
_MOST = 1000


@contextlib.contextmanager
def messages(level: int) -> Iterator[list[str]]:
    """What GDAL reports at `level` (of `logging`) or above while the block runs, in order."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if len(found) < _MOST:
                found.append(record.getMessage())

    logger, handler = logging.getLogger(_GDAL_LOG), Collector(level)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


def jpeg_damage(said: list[str]) -> str | None:
    """libjpeg's first complaint that tells of lost pixels: it goes on with grey ones where data is missing."""
    return next((complaint for complaint in _complaints(said) if _STRAY not in complaint), None)


def jpeg_notes(said: list[str]) -> tuple[str, ...]:
    """Stray bytes are mostly left between headers by cameras and editors, and skipped by every viewer; a damaged scan may
    look like that too."""
    stray = any(_STRAY in complaint for complaint in _complaints(said))
    return ("Its JPEG data holds stray bytes: parts of the picture may be damaged.",) if stray else ()


def _complaints(said: list[str]) -> Iterator[str]:
    for message in said:
        if found := _JPEG.search(message):
            yield found[1].strip().rstrip(".")
