"""TensorRT on an NVIDIA card: runs an engine that was built here. Opened by engines/served.py with an engine of the cache.

Has not run on a card yet: its tests drive one that stands in (tests/inference/engines/card.py). Memory, streams and
contexts are in engines/lane.py and engines/cuda.py; nothing here knows how engines are built or kept.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.formats import digest
from appliance.inference.backends import failures
from appliance.inference.backends.base import About, Allowance, Outputs, interrupted
from appliance.inference.backends.failures import MemoryShortError
from appliance.inference.backends.halving import Halving
from appliance.inference.engines import cuda, device, libraries
from appliance.inference.engines.cache import Engine
from appliance.inference.engines.lane import Lane
from appliance.inference.engines.log import Said, logger
from appliance.inference.engines.spec import NO_DEVICE, Device, EngineKey, Flag, Library

_REBUILD = "Remove it with `vedette engine remove`; it is built again, and ONNX Runtime serves meanwhile."


class TensorRtBackend:
    """Two lanes for the two threads that `infer` is called from. Batches beyond the profile are cut; those that the card has
    no room for are halved."""

    def __init__(self, engine: Engine, allowance: Allowance) -> None:
        """Raises VedetteError: DIGEST when the plan is not the one that was built, UNSUPPORTED when it is for another card
        or another version, does not load, or CUDA cannot be used, LIMIT when the card has no room for it."""
        key = engine.record.key
        _admit(engine)
        if reason := cuda.lacking():
            text = f"An engine cannot run on this machine: {reason}."
            raise VedetteError(Code.UNSUPPORTED, text, "ONNX Runtime serves without it.")
        self._said = Said()
        trt = libraries.load(key.library)
        self._logger = logger(trt, self._said)
        self._runtime = trt.Runtime(self._logger)
        # A version-compatible plan brings its own runtime as code; it was built here, and its digest is right.
        self._runtime.engine_host_code_allowed = Flag.VERSION_COMPATIBLE in key.flags
        self._engine = self._runtime.deserialize_cuda_engine(engine.plan)
        if self._engine is None:
            raise VedetteError(Code.UNSUPPORTED, f"The engine does not load: {self._said.last()}.", _REBUILD)
        self._halving = Halving()
        self._lanes = self._opened(trt, allowance)
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in self._lanes:
            self._free.put(lane)
        self._interruptions = 0
        self._lock = threading.Lock()
        card = key.device.name if isinstance(key.device, Device) else "NVIDIA card"
        self.about = About(str(key.library), f"{key.library.label} {key.library_version}", card)

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        import nvtx

        with self._lock:
            before = self._interruptions

        def piece(part: NDArray[Any]) -> Outputs:
            if self._interruptions != before:
                raise interrupted()
            lane = self._free.get()
            try:
                with nvtx.annotate("batch", domain="vedette", payload=len(part)):
                    return lane.run(part)
            except RuntimeError as error:  # TensorRT's own, in place of an answer
                raise failures.on_tiles(error) from error
            finally:
                self._free.put(lane)

        return self._halving.run(tiles, piece)

    def interrupt(self) -> None:
        """A batch on the card ends by itself within milliseconds; no further one is begun."""
        with self._lock:
            self._interruptions += 1

    def close(self) -> None:
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.close()
        self._engine = self._runtime = None

    def _opened(self, trt: Any, allowance: Allowance) -> list[Lane]:
        """Two lanes where there is room for two, one where there is room for one, and that one with smaller batches if it must be."""
        room = allowance.device_memory_bytes or cuda.free_bytes()
        each = int(self._engine.device_memory_size_v2)
        try:
            first, most = self._lane(trt, room - each, 1)
        except MemoryShortError as error:
            text = (
                f"The engine needs {each >> 20} MiB of the card's memory beside its tiles and may use {room >> 20} MiB."
            )
            raise VedetteError(Code.LIMIT, text, "Build it for a smaller batch, or allow more memory.") from error
        self._halving.most = most
        try:
            second, _ = self._lane(trt, room - 2 * each - first.device_bytes, most)
        except MemoryShortError:
            return [first]
        except BaseException:
            first.close()
            raise
        return [first, second]

    def _lane(self, trt: Any, room: int, least: int) -> tuple[Lane, int]:
        """A lane whose tiles take no more bytes than `room`, and the most tiles it takes at once. Raises MemoryShortError."""
        if room <= 0:
            raise MemoryShortError("the engine alone takes more")
        lane = Lane(trt, self._engine, self._said)
        try:
            return lane, lane.prepare(room, least)
        except BaseException:
            lane.close()
            raise


def _admit(engine: Engine) -> None:
    """The plan is code: before the library sees it, it must be the one that was built, for this card and this version."""
    record, key = engine.record, engine.record.key
    if digest.of_bytes(engine.plan) != record.plan:
        raise VedetteError(Code.DIGEST, f"Engine {key.name[:12]} is not the plan that was built.", _REBUILD)
    installed = libraries.needed_version(key.library)
    if installed != key.library_version and Flag.VERSION_COMPATIBLE not in key.flags:
        text = f"Engine {key.name[:12]} is of {key.library.label} {key.library_version}, and {installed} is installed."
        raise VedetteError(Code.UNSUPPORTED, text, _REBUILD)
    _admit_card(key)


def _admit_card(key: EngineKey) -> None:
    found = device.here()
    if key.device == found or (key.device == NO_DEVICE and key.library is Library.RTX):
        return  # TensorRT for RTX compiles kernels on the card: what it built without one runs on many
    built, here = (each if isinstance(each, str) else each.name for each in (key.device, found))
    text = f"Engine {key.name[:12]} was built for {built}, and this machine has {here}."
    raise VedetteError(Code.UNSUPPORTED, text, _REBUILD)
