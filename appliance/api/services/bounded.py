"""What was used last, up to so many bytes. Used by the raster tiles, from many threads at once. Knows not what it keeps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    def __init__(self, maximum_bytes: int, size_bytes: Callable[[V], int]) -> None:
        """What is larger than `maximum_bytes` by itself is not kept at all."""
        self._maximum, self._size = maximum_bytes, size_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        return self._bytes

    def get(self, key: K) -> V | None:
        with self._lock:
            value = self._kept.get(key)
            if value is not None:
                self._kept.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        size = self._size(value)
        if size > self._maximum:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._bytes -= self._size(before)
            self._kept[key] = value
            self._bytes += size
            while self._bytes > self._maximum:
                self._bytes -= self._size(self._kept.popitem(last=False)[1])
