"""A card that is not there: CUDA's calls on memory of this process, and engines that ONNX Runtime computes.

As strict as a card where that matters to whoever drives it. Nothing that is given to a stream happens before the stream is waited
for, so that what is read too early is rubbish and what is overwritten too early is seen; device memory is other memory than
the host's; a graph repeats the addresses and shapes it was captured with; what was not given back is known. A call that
is not here fails: the real one never runs. What a card really does is for a card to show.
"""

# ruff: noqa: N815 - CUDA's own names

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import tensorrt_rtx_bindings as rtx
from cuda.bindings import runtime
from numpy.typing import NDArray

Op = Callable[[], None]
ERROR = runtime.cudaError_t
_FINE = ERROR.cudaSuccess
_RUBBISH = 0xA5


@dataclass
class _Stream:
    waiting: list[Op] = field(default_factory=list)
    captured: list[Op] | None = None

    def give(self, op: Op) -> None:
        (self.waiting if self.captured is None else self.captured).append(op)


class Card:
    """Stands where `cuda.bindings.runtime` does. `room`: bytes of device memory. `broken`: by the name of a call, the error
    that it gives from now on."""

    cudaHostAllocDefault = runtime.cudaHostAllocDefault
    cudaStreamNonBlocking = runtime.cudaStreamNonBlocking
    cudaEventDisableTiming = runtime.cudaEventDisableTiming
    cudaEventBlockingSync = runtime.cudaEventBlockingSync
    cudaError_t = runtime.cudaError_t
    cudaMemcpyKind = runtime.cudaMemcpyKind
    cudaStreamCaptureMode = runtime.cudaStreamCaptureMode

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.broken: dict[str, Any] = {}
        self.launches = 0
        self.memory: dict[int, Any] = {}
        self.device_bytes = 0
        self.things: dict[int, Any] = {}
        self._next = 1
        self._lock = threading.RLock()

    @property
    def held(self) -> list[object]:
        """Memory, streams, events and graphs that were not given back."""
        return [*self.memory, *self.things]

    def view(self, address: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        flat = np.frombuffer((ctypes.c_uint8 * count).from_address(address), np.uint8)
        return flat.view(dtype).reshape(shape)

    def stream(self, handle: int) -> _Stream:
        found: _Stream = self.things[handle]
        return found

    def _says(self, name: str) -> Any:
        return self.broken.get(name, _FINE)

    def _thing(self, thing: Any) -> int:
        with self._lock:
            self._next += 1
            self.things[self._next] = thing
            return self._next

    def _memory(self, size: int) -> int:
        block = (ctypes.c_uint8 * size)()
        ctypes.memset(block, _RUBBISH, size)
        with self._lock:
            self.memory[ctypes.addressof(block)] = block
        return ctypes.addressof(block)

    def cudaGetDeviceCount(self) -> tuple[Any, int]:
        return _FINE, 1

    def cudaGetErrorString(self, error: Any) -> tuple[Any, bytes]:
        return _FINE, str(error.name).encode()

    def cudaMemGetInfo(self) -> tuple[Any, int, int]:
        return _FINE, self.room - self.device_bytes, self.room

    def cudaHostAlloc(self, size: int, _flags: int) -> tuple[Any, int | None]:
        return _FINE, self._memory(size)

    def cudaMalloc(self, size: int) -> tuple[Any, int | None]:
        with self._lock:
            if self._says("cudaMalloc") != _FINE:
                return self._says("cudaMalloc"), None
            if self.device_bytes + size > self.room:
                return ERROR.cudaErrorMemoryAllocation, None
            self.device_bytes += size
        return _FINE, self._memory(size)

    def cudaFreeHost(self, address: int) -> tuple[Any]:
        with self._lock:
            del self.memory[address]
        return (_FINE,)

    def cudaFree(self, address: int) -> tuple[Any]:
        with self._lock:
            self.device_bytes -= len(self.memory.pop(address))
        return (_FINE,)

    def cudaMemcpyAsync(self, to: int, source: int, size: int, _kind: Any, stream: int) -> tuple[Any]:
        assert to in self.memory
        assert source in self.memory
        assert size <= min(len(self.memory[to]), len(self.memory[source]))
        self.stream(stream).give(lambda: ctypes.memmove(to, source, size) and None)
        return (_FINE,)

    def cudaStreamCreateWithFlags(self, _flags: int) -> tuple[Any, int]:
        return _FINE, self._thing(_Stream())

    def cudaEventCreateWithFlags(self, _flags: int) -> tuple[Any, int]:
        return _FINE, self._thing(_Event())

    def cudaEventRecord(self, event: int, stream: int) -> tuple[Any]:
        self.things[event].stream = self.stream(stream)
        return (_FINE,)

    def cudaEventSynchronize(self, event: int) -> tuple[Any]:
        """Only now is done what was given."""
        stream = self.things[event].stream
        ops, stream.waiting = stream.waiting, []
        for op in ops:
            op()
        return (self._says("cudaEventSynchronize"),)

    def cudaStreamBeginCapture(self, stream: int, _mode: Any) -> tuple[Any]:
        if self._says("cudaStreamBeginCapture") == _FINE:
            self.stream(stream).captured = []
        return (self._says("cudaStreamBeginCapture"),)

    def cudaStreamEndCapture(self, stream: int) -> tuple[Any, int | None]:
        ops, self.stream(stream).captured = self.stream(stream).captured, None
        if self._says("cudaStreamEndCapture") != _FINE:
            return self._says("cudaStreamEndCapture"), None
        return _FINE, self._thing(ops)

    def cudaGraphInstantiate(self, graph: int, _flags: int) -> tuple[Any, int]:
        return _FINE, self._thing(list(self.things[graph]))

    def cudaGraphLaunch(self, graph: int, stream: int) -> tuple[Any]:
        self.launches += 1
        for op in self.things[graph]:
            self.stream(stream).give(op)
        return (_FINE,)

    def _forget(self, handle: int) -> tuple[Any]:
        with self._lock:
            del self.things[handle]
        return (_FINE,)

    cudaGraphDestroy = cudaGraphExecDestroy = cudaEventDestroy = cudaStreamDestroy = _forget


@dataclass
class _Event:
    stream: _Stream | None = None


@dataclass
class Compiled:
    """What an engine of `model` is like. `refuses`: a batch that it takes no shape of. `fails`: it does not begin to compute.
    `context_bytes`: what each context takes of the card."""

    model: Path
    batches: tuple[int, int, int]
    refuses: int = 0
    fails: bool = False
    open_ended: bool = False
    context_bytes: int = 1 << 20

    def bindings(self, card: Card) -> Any:
        """What stands where TensorRT's module does."""
        engine = _Engine(self, card)
        loading = SimpleNamespace(deserialize_cuda_engine=lambda _plan: engine)
        return SimpleNamespace(
            Runtime=lambda logger: setattr(engine, "logger", logger) or loading,
            ILogger=rtx.ILogger,
            TensorIOMode=rtx.TensorIOMode,
            nptype=rtx.nptype,
        )


_TYPES = {"tensor(uint8)": "UINT8", "tensor(float)": "FLOAT", "tensor(int64)": "INT64", "tensor(uint16)": "INT32"}


class _Engine:
    logger: Any

    def __init__(self, compiled: Compiled, card: Card) -> None:
        self.compiled, self.card = compiled, card
        self.session = ort.InferenceSession(compiled.model, providers=["CPUExecutionProvider"])
        self.device_memory_size_v2 = compiled.context_bytes
        (self._input,) = self.session.get_inputs()
        self._kinds = {each.name: _TYPES[each.type] for each in (self._input, *self.session.get_outputs())}
        self.num_io_tensors = len(self._kinds)

    def get_tensor_name(self, place: int) -> str:
        return list(self._kinds)[place]

    def get_tensor_mode(self, name: str) -> Any:
        return rtx.TensorIOMode.INPUT if name == self._input.name else rtx.TensorIOMode.OUTPUT

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert (name, profile) == (self._input.name, 0)
        side = [each if isinstance(each, int) else 128 for each in self._input.shape[1:]]
        side[-1] = 3
        return [(count, *side) for count in self.compiled.batches]

    def get_tensor_dtype(self, name: str) -> Any:
        return getattr(rtx.DataType, self._kinds[name])

    def create_execution_context(self) -> _Context | None:
        card = self.card
        if card.device_bytes + self.compiled.context_bytes > card.room:
            self.logger.log(rtx.ILogger.Severity.ERROR, "Error Code 2: OutOfMemory (Requested size was large.)")
            return None
        card.device_bytes += self.compiled.context_bytes
        return _Context(self)


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self._engine = engine
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def __del__(self) -> None:
        self._engine.card.device_bytes -= self._engine.compiled.context_bytes

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shapes = {name: shape}
        low, _, high = self._engine.compiled.batches
        return low <= shape[0] <= high and shape[0] != self._engine.compiled.refuses

    def infer_shapes(self) -> list[str]:
        ((name, shape),) = self._shapes.items()
        given = np.zeros(shape, self._engine.session.get_inputs()[0].type[7:-1].replace("float", "float32"))
        names = [each.name for each in self._engine.session.get_outputs()]
        told = self._engine.session.run(names, {name: given})
        self._shapes |= {each: array.shape for each, array in zip(names, told, strict=True)}
        return []

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        found = self._shapes[name]
        outputs = [each.name for each in self._engine.session.get_outputs()]
        return (found[0], -1, *found[2:]) if self._engine.compiled.open_ended and name in outputs else found

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        engine, card = self._engine, self._engine.card
        if engine.compiled.fails:
            engine.logger.log(rtx.ILogger.Severity.ERROR, "Error Code 1: Myelin (something went wrong)")
            return False
        shapes, addresses = dict(self._shapes), dict(self._addresses)
        given = engine.session.get_inputs()[0]

        def compute() -> None:
            dtype = rtx.nptype(engine.get_tensor_dtype(given.name))
            tiles = card.view(addresses[given.name], shapes[given.name], dtype)
            names = [each.name for each in engine.session.get_outputs()]
            for name, array in zip(names, engine.session.run(names, {given.name: tiles}), strict=True):
                card.view(addresses[name], shapes[name], array.dtype)[...] = array

        card.stream(stream).give(compute)
        return True
