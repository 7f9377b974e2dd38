"""Take away from the decoding process what decoding does not need, before the first byte of the file is looked at.

Called first thing by `decode.py`. The parent's environment is already gone (process.py): no secret is in reach.
GDAL is left with the drivers of ALLOWED alone: the others are unregistered, so that no reference inside a file (an
overview file, a world of XML) can wake a VRT, a web service or a database driver. Sidecar files are not looked for.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from functools import cache

from appliance.media.limits import Limits

ALLOWED = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG", "NITF")
"""The drivers that may open an original; GTiff also writes the scene."""

_KEPT = {*ALLOWED, "MEM"}
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CACHE_MEGABYTES = 192
_CPU_GRACE_SECONDS = 10

GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_ALLOW_LARGE_LIBJPEG_MEM_ALLOC": "YES",  # the process limit bounds it
    "GDAL_CACHEMAX": str(_CACHE_MEGABYTES),
    "GDAL_HTTP_PROXY": "127.0.0.1:9",  # nothing listens there: whatever would fetch, fails at once
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_GEOREF_SOURCES": "INTERNAL,NONE",
    "CPL_DEBUG": "OFF",
}


def confine(limits: Limits) -> None:
    """Limits of the kernel, then of GDAL. Must run before rasterio is imported."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # Best effort: a kernel that forbids user namespaces leaves GDAL's own restrictions.
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, limits.output_bytes)
    _limit(resource.RLIMIT_NOFILE, 256)
    seconds = math.ceil(limits.seconds * threads(limits)) + _CPU_GRACE_SECONDS
    _limit(resource.RLIMIT_CPU, seconds, seconds + _CPU_GRACE_SECONDS)  # SIGXCPU first, which says why
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit then fails with EFBIG
    os.environ.update(GDAL_OPTIONS)
    os.environ["GDAL_NUM_THREADS"] = str(threads(limits))


def threads(limits: Limits) -> int:
    return limits.threads or len(os.sched_getaffinity(0))


@cache
def unwanted_drivers() -> str:
    """The value of GDAL_SKIP for the decoding process. It must stand in its environment when GDAL first starts there,
    and only a started GDAL can list its drivers: so the parent asks its own, once."""
    from rasterio.env import Env

    with Env() as env:  # type: ignore[no-untyped-call]
        return ",".join(sorted(set(env.drivers()) - _KEPT))


def check_drivers() -> None:
    """Raises RuntimeError when GDAL has a driver that should have been skipped."""
    from rasterio.env import Env

    with Env() as env:  # type: ignore[no-untyped-call]
        left = set(env.drivers()) - _KEPT
    if left:
        raise RuntimeError(f"GDAL has drivers it should not have: {sorted(left)}")


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(what)[1]
    wanted = [soft, soft if hard is None else hard]
    allowed = wanted if ceiling == resource.RLIM_INFINITY else [min(value, ceiling) for value in wanted]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (allowed[0], allowed[1]))
