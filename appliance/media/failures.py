"""Every sentence that bad input gets, in one place. Called by the decoding process and its parent; pure."""

from __future__ import annotations

import errno

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.messages import MAXIMUM_DELIVERIES
from appliance.media.limits import GIBIBYTE, Limits

FORMATS = "GeoTIFF, COG, JPEG 2000, PNG, JPEG and NITF are read"
_AGAIN = "Copy the file again from its source and upload it again."
_RETILE = "Convert it to a tiled GeoTIFF (`gdal_translate -co TILED=YES -co BIGTIFF=IF_SAFER`) and upload that"


def empty_file(name: str) -> VedetteError:
    return VedetteError(Code.EMPTY, f"{name} is empty: it holds no byte.", _AGAIN)


def not_an_image(name: str, kind: str) -> VedetteError:
    return VedetteError(
        Code.UNREADABLE, f"{name} is not an image that can be read: it is {kind}.", f"{FORMATS}; convert it to one."
    )


def damaged(name: str, kind: str, detail: str) -> VedetteError:
    return VedetteError(Code.UNREADABLE, f"{name} is {kind} file that cannot be read: {detail}.", _AGAIN)


def truncated(name: str, row: int, detail: str) -> VedetteError:
    return VedetteError(Code.TRUNCATED, f"{name} ends early or is damaged near row {row}: {detail}.", _AGAIN)


def no_bands(name: str) -> VedetteError:
    return VedetteError(Code.EMPTY, f"{name} holds no image.", "Export it again with at least one band.")


def too_many_bands(name: str, bands: int, limits: Limits) -> VedetteError:
    return VedetteError(
        Code.BANDS, f"{name} has {bands} bands; at most {limits.bands} are read.", "Export fewer bands."
    )


def too_many_pixels(name: str, width: int, height: int, limits: Limits) -> VedetteError:
    return VedetteError(
        Code.TOO_LARGE,
        f"{name} claims {width} x {height} pixels; at most {limits.pixels / 1e9:g} billion are read.",
        "Cut the scene into parts, or raise VEDETTE_MEDIA_PIXELS.",
    )


def bomb(name: str, decoded: int, size: int) -> VedetteError:
    return VedetteError(
        Code.TOO_LARGE,
        f"{name} claims {decoded / GIBIBYTE:.1f} GiB of pixels in a file of {size / 1e6:.2f} MB: "
        "it looks like a decompression bomb.",
        "If the scene truly is that empty, crop it, or raise VEDETTE_MEDIA_EXPANSION.",
    )


def big_block(name: str, block: tuple[int, int], limits: Limits) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"{name} stores its pixels in blocks of {block[1]} x {block[0]}, too large to decode within "
        f"{limits.memory_bytes / GIBIBYTE:g} GiB of memory.",
        f"{_RETILE}, or raise VEDETTE_MEDIA_MEMORY_BYTES.",
    )


def unsupported_type(name: str, dtype: str) -> VedetteError:
    return VedetteError(
        Code.UNSUPPORTED, f"{name} has pixels of type {dtype}, which is not read.", "Export it as 8, 16 or 32 bits."
    )


def refers_elsewhere(name: str) -> VedetteError:
    return VedetteError(
        Code.UNSUPPORTED,
        f"{name} refers to another file for its overviews, which is not followed.",
        "Export it as one self-contained file.",
    )


def nothing_valid(name: str) -> VedetteError:
    return VedetteError(
        Code.EMPTY,
        f"{name} holds no valid pixel: all are nodata, transparent or not a number.",
        "Export the scene again with its content, or correct its nodata value.",
    )


def out_of_memory(name: str, limits: Limits) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"{name} needs more than {limits.memory_bytes / GIBIBYTE:g} GiB of memory to decode.",
        f"{_RETILE}, or raise VEDETTE_MEDIA_MEMORY_BYTES.",
    )


def out_of_time(name: str, seconds: float) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"{name} could not be decoded within {seconds:.0f} seconds and was given up.",
        f"{_RETILE}; if it is damaged, copy it again from its source.",
    )


def output_too_large(name: str, limits: Limits) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"{name} becomes larger than {limits.output_bytes / GIBIBYTE:g} GiB when normalised.",
        "Cut the scene into parts, or raise VEDETTE_MEDIA_OUTPUT_BYTES.",
    )


def disk_full(name: str, folder: str) -> VedetteError:
    return VedetteError(
        Code.DISK,
        f"{name} could not be normalised: the disk under {folder} is full.",
        "Free space there, or point VEDETTE_WORK_FOLDER at a larger disk; the work is tried again by itself.",
        retryable=True,
    )


def decoder_died(name: str, how: str) -> VedetteError:
    return VedetteError(
        Code.UNREADABLE,
        f"{name} made the decoder stop ({how}); it is damaged or hostile.",
        f"Check it with another program; {FORMATS}.",
    )


def killed(name: str, limits: Limits) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"{name} could not be decoded: the system killed the decoder, probably for lack of memory.",
        f"Give the worker more than {limits.memory_bytes / GIBIBYTE:g} GiB, or lower its concurrency.",
        retryable=True,
    )


def inside(name: str, detail: str) -> VedetteError:
    return VedetteError(
        Code.INTERNAL,
        f"{name} could not be normalised: {detail}.",
        "This is a fault of ours: report it with the file and the worker's log.",
    )


def unforeseen(name: str, error: Exception, limits: Limits) -> VedetteError:
    """Allocations and threads that a limit refused show up as many kinds of exception."""
    text = f"{type(error).__name__}: {error}".lower()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(name, "the worker's folder")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return output_too_large(name, limits)
    if isinstance(error, MemoryError) or "memory" in text or "start new thread" in text:
        return out_of_memory(name, limits)
    return inside(name, " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip("."))


def gave_up(name: str) -> VedetteError:
    """The last worker died without a word."""
    return VedetteError(
        Code.INTERNAL,
        f"{MAXIMUM_DELIVERIES} workers ended while they normalised {name}.",
        "See `vedette logs` for the workers' last lines; give them more memory, or lower their concurrency.",
    )


def no_such_file(name: str) -> VedetteError:
    return VedetteError(Code.NOT_FOUND, f"{name} is not there.", "Check the path.")
