"""Names of files as they come from browsers and disks, made fit to keep. Pure. Called by services/uploads.py."""

from __future__ import annotations

import unicodedata

from appliance.contracts.errors import Code, VedetteError

_LIMIT = 255


def file_name(given: str) -> str:
    """The last part of a path, in NFC, without control, format or unassigned characters, at most 255 long with its
    extension kept.

    Raises VedetteError(INVALID) when nothing is left.
    """
    base = given.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    shown = "".join(c for c in unicodedata.normalize("NFC", base) if unicodedata.category(c)[0] != "C").strip()
    if not shown.strip("."):
        raise VedetteError(Code.INVALID, "The file has no name.", "Give it one.")
    if len(shown) <= _LIMIT:
        return shown
    stem, dot, extension = shown.rpartition(".")
    if not dot or len(extension) > 16:
        return shown[:_LIMIT]
    return f"{stem[: _LIMIT - len(extension) - 1]}.{extension}"
