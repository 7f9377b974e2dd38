"""A TCP proxy on loopback that can cut its lines, or let nothing pass. Used by the soak; knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

_CHUNK = 1 << 16


class Proxy:
    """Listens on `port` in a thread of its own; leads to whatever `target` says when a connection comes."""

    def __init__(self, port: int, target: Callable[[], int]) -> None:
        self._port, self._target = port, target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._listening.wait(5):
            raise RuntimeError(f"no proxy on port {port}")

    def cut(self) -> None:
        """Break every connection and take no further one."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._break)

    def stall(self) -> None:
        """Connections stay, and nothing passes."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def mend(self) -> None:
        self._cut = False
        self._loop.call_soon_threadsafe(self._flowing.set)

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", self._port))
        self._listening.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            if self._cut:
                return
            there, other = await asyncio.open_connection("127.0.0.1", self._target())
            self._writers.add(other)
            await asyncio.gather(self._pump(reader, other), self._pump(there, writer))
        except OSError:
            return
        finally:
            for each in (writer, other):
                if each is not None:
                    self._writers.discard(each)
                    each.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """One direction; its end is passed on, and the other direction goes on until its own."""
        while data := await source.read(_CHUNK):
            await self._flowing.wait()
            target.write(data)
            await target.drain()
        with contextlib.suppress(OSError):
            target.write_eof()
