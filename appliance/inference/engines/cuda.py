"""The little of CUDA that a lane needs: memory, a stream, an event and a graph. Used by lane.py and backends/tensorrt.py; the
only file that names cuda-bindings.

Nothing here has met a card yet, only what stands in for one (tests/inference/engines/card.py). Its names are held against
the bindings by a test.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends.failures import MemoryShortError


def lacking() -> str:
    """Why CUDA cannot be used on this machine; nothing where it can. Raises nothing."""
    # Before CUDA starts: cards are counted as NVML counts them, by whose names engines are kept.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    try:
        from cuda.bindings import runtime as cuda
    except ImportError:
        return "CUDA's bindings are not installed (extra `tensorrt`)"
    error, count = cuda.cudaGetDeviceCount()
    if error == cuda.cudaError_t.cudaErrorInsufficientDriver:
        return "there is no NVIDIA driver, or it is too old for this CUDA"
    if error != cuda.cudaError_t.cudaSuccess or not count:
        return "there is no NVIDIA card"
    return ""


def done(result: tuple[Any, ...]) -> Any:
    """The value of a call. Raises MemoryShortError, or VedetteError(UNAVAILABLE) where the card fails."""
    from cuda.bindings import runtime as cuda

    error, *values = result
    if error == cuda.cudaError_t.cudaSuccess:
        return values[0] if values else None
    text = cuda.cudaGetErrorString(error)[1].decode()
    if error == cuda.cudaError_t.cudaErrorMemoryAllocation:
        raise MemoryShortError(text)
    raise VedetteError(
        Code.UNAVAILABLE, f"The card failed: {text}.", "See the machine's log for the device.", retryable=True
    )


def free_bytes() -> int:
    from cuda.bindings import runtime as cuda

    error, free, _total = cuda.cudaMemGetInfo()
    done((error,))
    return int(free)


class Buffer:
    """The same bytes twice: pinned here, which a card copies from without the processor, and on the card."""

    def __init__(self, size: int) -> None:
        from cuda.bindings import runtime as cuda

        self.size = max(1, size)
        self.host = int(done(cuda.cudaHostAlloc(self.size, cuda.cudaHostAllocDefault)))
        try:
            self.device = int(done(cuda.cudaMalloc(self.size)))
        except BaseException:
            cuda.cudaFreeHost(self.host)
            raise

    def view(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """The pinned side as an array of this shape; valid until `free`."""
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        held = (ctypes.c_uint8 * count).from_address(self.host)
        seen: NDArray[Any] = np.frombuffer(held, np.uint8).view(dtype).reshape(shape)
        return seen

    def to_device(self, size: int, stream: Any) -> None:
        from cuda.bindings import runtime as cuda

        kind = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        done(cuda.cudaMemcpyAsync(self.device, self.host, size, kind, stream))

    def to_host(self, size: int, stream: Any) -> None:
        from cuda.bindings import runtime as cuda

        kind = cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        done(cuda.cudaMemcpyAsync(self.host, self.device, size, kind, stream))

    def free(self) -> None:
        from cuda.bindings import runtime as cuda

        cuda.cudaFree(self.device)
        cuda.cudaFreeHost(self.host)


class Stream:
    """Work in order, beside that of other streams, and the event by which one batch is waited for."""

    def __init__(self) -> None:
        from cuda.bindings import runtime as cuda

        self.handle = done(cuda.cudaStreamCreateWithFlags(cuda.cudaStreamNonBlocking))
        # Blocking: the thread sleeps, so that its core decodes meanwhile.
        flags = cuda.cudaEventDisableTiming | cuda.cudaEventBlockingSync
        self._event = done(cuda.cudaEventCreateWithFlags(flags))

    def wait(self) -> None:
        """Until what was given to the stream so far is done."""
        from cuda.bindings import runtime as cuda

        done(cuda.cudaEventRecord(self._event, self.handle))
        done(cuda.cudaEventSynchronize(self._event))

    def begin_capture(self) -> None:
        from cuda.bindings import runtime as cuda

        mode = cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        done(cuda.cudaStreamBeginCapture(self.handle, mode))

    def end_capture(self) -> Any:
        """What was given since, as a graph that `launch` repeats."""
        from cuda.bindings import runtime as cuda

        graph = done(cuda.cudaStreamEndCapture(self.handle))
        try:
            return done(cuda.cudaGraphInstantiate(graph, 0))
        finally:
            cuda.cudaGraphDestroy(graph)

    def launch(self, graph: Any) -> None:
        from cuda.bindings import runtime as cuda

        done(cuda.cudaGraphLaunch(graph, self.handle))

    def free(self, graph: Any) -> None:
        """Give back the stream, its event, and `graph` where there is one."""
        from cuda.bindings import runtime as cuda

        if graph is not None:
            cuda.cudaGraphExecDestroy(graph)
        cuda.cudaEventDestroy(self._event)
        cuda.cudaStreamDestroy(self.handle)
