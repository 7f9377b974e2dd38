"""One batch at a time through an engine: an execution context with a stream and pinned buffers of its own. Used by
backends/tensorrt.py, which has two, so that one copies while the other computes.

Has not run on a card yet, only on what stands in for one (tests/inference/engines/card.py). Names of TensorRT's interface
are held against the published bindings by a test.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends import failures
from appliance.inference.backends.failures import MemoryShortError
from appliance.inference.engines.cuda import Buffer, Stream
from appliance.inference.engines.log import Said

_REMEDY = "Build the engine for such batches; ONNX Runtime serves meanwhile."
Shape = tuple[int, ...]


class Lane:
    """`fixed`: the engine takes one shape only; then a smaller batch is filled up, and one CUDA graph does it all."""

    def __init__(self, trt: Any, engine: Any, said: Said) -> None:
        """Raises MemoryShortError where the card has no room for another context."""
        self._trt, self._engine, self._said = trt, engine, said
        self._context = engine.create_execution_context()
        if self._context is None:
            raise MemoryShortError(said.last())
        self._stream = Stream()
        self._graph: Any = None
        self._tried = False
        names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
        self.input = next(name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT)
        self.outputs = [name for name in names if name != self.input]
        least, _, most = (tuple(shape) for shape in engine.get_tensor_profile_shape(self.input, 0))
        self.most: Shape = most
        self._fixed = least == most
        self._shape: Shape = ()
        self._buffers: dict[str, Buffer] = {}

    def run(self, tiles: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Fresh arrays, by name. Raises MemoryShortError, and VedetteError as Backend.infer says."""
        shape = self.most if self._fixed else tuple(tiles.shape)
        self._take(shape)
        np.copyto(self._view(self.input, shape)[: len(tiles)], tiles, casting="unsafe")
        if self._graph is None:
            self._enqueue()
        else:
            self._stream.launch(self._graph)
        self._stream.wait()
        shapes = {name: tuple(self._context.get_tensor_shape(name)) for name in self.outputs}
        found = {name: self._view(name, shapes[name])[: len(tiles)].copy() for name in self.outputs}
        if self._fixed and not self._tried:
            self._capture()
        return found

    def close(self) -> None:
        self._shape = ()
        self._stream.free(self._graph)
        self._let_go()
        self._context = None

    def _let_go(self) -> None:
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers = {}

    def prepare(self, most_bytes: int, least: int) -> int:
        """Take what the largest batch needs that fits into so many bytes and into what the card has free, so that nothing is
        asked for while a scene waits. How many tiles that batch has. Raises MemoryShortError where not even `least` fit."""
        count, least = self.most[0], self.most[0] if self._fixed else least
        while count >= least:
            shape = (count, *self.most[1:])
            try:
                if sum(self._sizes(shape).values()) <= most_bytes:
                    self._take(shape)
                    return count
            except MemoryShortError:
                pass
            count //= 2
        raise MemoryShortError("its tiles do not fit beside it")

    @property
    def device_bytes(self) -> int:
        """Of the card, beside what the engine takes for each lane."""
        return sum(buffer.size for buffer in self._buffers.values())

    def _take(self, shape: Shape) -> None:
        """Make the context and the buffers ready for this shape; nothing is done when the last batch had it."""
        if shape == self._shape:
            return
        self._shape = ()
        try:
            for name, size in self._sizes(shape).items():
                self._room(name, size)
        except MemoryShortError:
            self._let_go()  # what a large batch did get would be missing to the smaller one that comes next
            raise
        self._shape = shape

    def _sizes(self, shape: Shape) -> dict[str, int]:
        """Bytes of each tensor for tiles of this shape, which the context is told."""
        if not self._context.set_input_shape(self.input, shape):
            text = f"The engine takes no batch of shape {'x'.join(map(str, shape))}."
            raise VedetteError(Code.UNSUPPORTED, text, _REMEDY)
        if open_ended := self._context.infer_shapes():
            text = f"The engine needs {', '.join(open_ended)} beside its tiles."
            raise VedetteError(Code.UNSUPPORTED, text, _REMEDY)
        sizes: dict[str, int] = {}
        for name in (self.input, *self.outputs):
            found = tuple(self._context.get_tensor_shape(name))
            if any(size < 0 for size in found):
                text = f"The size of the output {name} follows from what is seen, which is not supported on a card."
                raise VedetteError(Code.UNSUPPORTED, text, "Export the graph with a fixed number of candidates.")
            sizes[name] = self._bytes(name, found)
        return sizes

    def _room(self, name: str, size: int) -> None:
        held = self._buffers.get(name)
        if held is None or held.size < size:
            if held is not None:
                del self._buffers[name]
                held.free()
            self._buffers[name] = Buffer(size)
        if not self._context.set_tensor_address(name, self._buffers[name].device):
            raise failures.on_tiles(RuntimeError(self._said.last()))

    def _enqueue(self) -> None:
        """Tiles to the card, the engine, outputs back: all in order on the stream, nothing waited for."""
        stream = self._stream.handle
        self._buffers[self.input].to_device(self._bytes(self.input, self._shape), stream)
        if not self._context.execute_async_v3(int(stream)):
            raise failures.on_tiles(RuntimeError(self._said.last()))
        for name in self.outputs:
            size = self._bytes(name, tuple(self._context.get_tensor_shape(name)))
            self._buffers[name].to_host(size, stream)

    def _capture(self) -> None:
        """After one ordinary batch, which TensorRT wants to have seen. What cannot be captured goes on as before."""
        self._tried = True
        try:
            self._stream.begin_capture()
            try:
                self._enqueue()
            finally:
                graph = self._stream.end_capture()
        except (MemoryShortError, VedetteError):
            return
        self._graph = graph

    def _dtype(self, name: str) -> Any:
        return np.dtype(self._trt.nptype(self._engine.get_tensor_dtype(name)))

    def _bytes(self, name: str, shape: Shape) -> int:
        return int(np.prod(shape)) * int(self._dtype(name).itemsize)

    def _view(self, name: str, shape: Shape) -> NDArray[Any]:
        return self._buffers[name].view(shape, self._dtype(name))
