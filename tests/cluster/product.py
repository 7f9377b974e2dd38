"""The images of `make images`, for nodes: `cluster.load(product("api", "media"))`. Called by __main__.py and by tests.

They stream from the cache of images into containerd; no archive is written. What several share is sent once.
"""

from __future__ import annotations

import functools

from images import archive, report
from images.__main__ import REPOSITORY, STORE, VALUES
from images.catalogue import version
from tests.cluster.feeding import Archive


def product(*names: str) -> Archive:
    """Those named, or all that were built. VedetteError when one was not."""
    return functools.partial(archive.write, STORE, report.read(VALUES, names, version(REPOSITORY)))


def reference(name: str) -> str:
    """By digest, as the chart names it in a pod."""
    [(repository, _, digest)] = report.read(VALUES, [name], version(REPOSITORY))
    return f"{repository}@{digest}"
