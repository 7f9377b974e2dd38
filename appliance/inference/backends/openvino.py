"""OpenVINO on the processor: often the fastest on Intel's. The only file that names openvino."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from appliance.contracts.errors import VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.backends import failures
from appliance.inference.backends.base import About, Outputs, blank, interrupted
from appliance.inference.backends.halving import Halving
from appliance.inference.backends.streams import Streams

LIBRARY = f"OpenVINO {ov.__version__.split('-')[0]}"
_FIRST_USE = threading.Lock()
"""Two threads that are the first to use OpenVINO's Python binding can wait for each other for ever, each holding what the
other wants (the interpreter's lock, and that of something made on first use). So every model is opened, and looks at its
first tile, by one thread alone."""


class OpenVinoBackend:
    """One compiled model, as many streams as the processor's cores (`threads` 0: one per core), a request for each."""

    def __init__(self, model: Path, manifest: Manifest, threads: int = 0) -> None:
        """Raises VedetteError: MODEL_PACKAGE when the file is no ONNX model, has no such input or fails on a blank tile,
        UNSUPPORTED when it uses an operator that OpenVINO lacks."""
        self._streams = Streams(threads)
        self._halving = Halving()
        self._lock = threading.Lock()
        self._interrupts = 0
        self._running: set[ov.InferRequest] = set()
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()
        self.about = About("openvino", LIBRARY, f"CPU, {self._streams.threads} threads")
        try:
            with _FIRST_USE:
                self._compiled = _compiled(model, manifest.input.name, self._streams)
                self._names = [output.any_name for output in self._compiled.outputs]
                for _ in range(self._streams.count):
                    self._idle.put(self._compiled.create_infer_request())
                self._look(blank(manifest.input, 1), 0)
        except BaseException as error:
            self._streams.close()
            raise _opening(model, error) from error

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        began = self._interrupts
        return self._halving.run(tiles, lambda piece: self._run(piece, began))

    def interrupt(self) -> None:
        with self._lock:
            self._interrupts += 1
        self._cancel()

    def close(self) -> None:
        self._streams.close()
        while not self._idle.empty():
            self._idle.get()
        if hasattr(self, "_compiled"):
            del self._compiled

    def _run(self, tiles: NDArray[Any], began: int) -> Outputs:
        """`began`: how many interrupts there had been when the batch came."""
        try:
            arrays = self._streams.run(tiles, lambda piece: self._look(piece, began), lambda: None)
        except Exception as error:
            if self._interrupts != began:
                raise interrupted() from error
            raise failures.on_tiles(error) from error
        return dict(zip(self._names, arrays, strict=True))

    def _look(self, piece: NDArray[Any], began: int) -> list[NDArray[Any]]:
        request = self._idle.get()
        try:
            with self._lock:
                if self._interrupts != began:
                    raise interrupted()
                self._running.add(request)
                request.start_async({0: piece}, share_inputs=True)
            request.wait()
            # The tensors are the request's own and are written over by the next piece.
            return [np.array(request.get_output_tensor(place).data) for place in range(len(self._names))]
        finally:
            with self._lock:
                self._running.discard(request)
            self._idle.put(request)

    def _cancel(self) -> None:
        with self._lock:
            for request in self._running:
                request.cancel()


def _compiled(model: Path, name: str, streams: Streams) -> ov.CompiledModel:
    core = ov.Core()
    graph = core.read_model(str(model))
    inputs = [given.any_name for given in graph.inputs]
    if inputs != [name]:
        raise failures.other_input(model, inputs, name)
    settings = {
        "NUM_STREAMS": str(streams.count),
        "INFERENCE_NUM_THREADS": streams.threads,
        # Some processors would compute in bfloat16 unasked, and find other boxes.
        "INFERENCE_PRECISION_HINT": "f32",
        # Decoders share the cores: a stream that is tied to one waits for them.
        "ENABLE_CPU_PINNING": False,
    }
    return core.compile_model(graph, "CPU", settings)


def _opening(model: Path, error: BaseException) -> BaseException:
    if isinstance(error, VedetteError) or not isinstance(error, Exception):
        return error
    return failures.on_opening(model, LIBRARY, error)
