"""A batch is cut into pieces that streams look at side by side, a thread each (docs/adr/0008). Used by the backends that run
on the processor, or hand over to a device; knows no library and no model.

Threads that share one piece wait for each other at every layer, and for whichever of them lost its core to a decoder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray[Any]]
_MOST_STREAMS = 8
_PIECES_PER_STREAM = 2


class Streams:
    """`threads` 0: one per core. Where cores outnumber streams, each stream has several threads to itself."""

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        self.count = min(self.threads, _MOST_STREAMS)
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="stream")

    @property
    def threads_each(self) -> int:
        return self.threads // self.count

    def run(self, tiles: NDArray[Any], look: Callable[[NDArray[Any]], Arrays], stop: Callable[[], None]) -> Arrays:
        """What `look` answers for each piece, put together again along the batch.

        Where one piece fails, `stop` is called, the others are waited for, and the first error is raised.
        """
        size = max(1, len(tiles) // (self.count * _PIECES_PER_STREAM))
        futures = [self._pool.submit(look, tiles[start : start + size]) for start in range(0, len(tiles), size)]
        try:
            parts = [future.result() for future in futures]
        except BaseException:
            stop()
            for future in futures:
                future.cancel()
            wait(futures)
            raise
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
