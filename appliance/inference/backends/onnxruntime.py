"""ONNX Runtime: the backend that runs everywhere. The only file that names onnxruntime."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.backends.base import About, Outputs, interrupted

_REBUILD = "Export the model again, or correct manifest.yaml."
_MOST_STREAMS = 8
_PIECES_PER_STREAM = 2


class OnnxRuntimeBackend:
    """One session on the processor's cores. `threads` 0: one per core.

    A batch is cut into pieces that streams look at side by side, a thread each (more where cores outnumber streams):
    threads that share one piece wait for each other at every layer, and for whichever of them lost its core to a decoder.
    """

    def __init__(self, model: Path, manifest: Manifest, threads: int = 0) -> None:
        """Raises VedetteError(MODEL_PACKAGE) when the file is no ONNX model or has no such input."""
        threads = threads or len(os.sched_getaffinity(0))
        self._streams = min(threads, _MOST_STREAMS)
        try:
            session = ort.InferenceSession(
                model, _options(threads // self._streams), providers=["CPUExecutionProvider"]
            )  # fmt: skip
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            reason = " ".join(str(error).split())[:300]
            raise VedetteError(Code.MODEL_PACKAGE, f"{model} cannot be loaded: {reason}.", _REBUILD) from error
        self._session = session
        self.about = About("onnxruntime", f"ONNX Runtime {ort.__version__}", f"CPU, {threads} threads")
        self._input = manifest.input.name
        self._names = [output.name for output in session.get_outputs()]
        self._lock = threading.Lock()
        self._running: set[ort.RunOptions] = set()
        inputs = [given.name for given in session.get_inputs()]
        if inputs != [self._input]:
            raise VedetteError(Code.MODEL_PACKAGE, f"{model} takes {', '.join(inputs)}, not {self._input}.", _REBUILD)
        self._pool = ThreadPoolExecutor(self._streams, thread_name_prefix="stream")

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        """Raises VedetteError(MODEL_PACKAGE) when the graph does not take these tiles."""
        running = ort.RunOptions()
        with self._lock:
            self._running.add(running)
        size = max(1, len(tiles) // (self._streams * _PIECES_PER_STREAM))
        pieces = [tiles[start : start + size] for start in range(0, len(tiles), size)]
        futures = [self._pool.submit(self._session.run, self._names, {self._input: piece}, running) for piece in pieces]
        try:
            results = [future.result() for future in futures]
        except Exception as error:
            if running.terminate:
                raise interrupted() from error
            running.terminate = True
            reason = " ".join(str(error).split())[:300]
            raise VedetteError(Code.MODEL_PACKAGE, f"The model failed on its tiles: {reason}.", _REBUILD) from error
        finally:
            with self._lock:
                self._running.discard(running)
        return {
            name: np.concatenate(parts) for name, parts in zip(self._names, zip(*results, strict=True), strict=True)
        }

    def interrupt(self) -> None:
        with self._lock:
            for running in self._running:
                running.terminate = True

    def close(self) -> None:
        self._pool.shutdown()
        del self._session


def usable_gpus() -> list[str]:
    """The NVIDIA cards of this machine that this build of ONNX Runtime can compute on, by model."""
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return []
    told = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [re.search(r"^Model:\s*(.+)$", one.read_text(), re.MULTILINE) for one in told]
    return [found[1] for found in models if found]


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Measured on 8 tiles of 512: a peak of 500 MB in place of 795, no slower beyond the noise.
    options.enable_mem_pattern = False
    return options
