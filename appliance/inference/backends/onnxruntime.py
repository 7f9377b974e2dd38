"""ONNX Runtime: the backend that runs everywhere. The only file that names onnxruntime."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.backends.base import Outputs

_REBUILD = "Export the model again, or correct manifest.yaml."


class OnnxRuntimeBackend:
    """One session on the processor's cores. `threads` 0: one per core."""

    def __init__(self, model: Path, manifest: Manifest, threads: int = 0) -> None:
        """Raises VedetteError(MODEL_PACKAGE) when the file is no ONNX model or has no such input."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Measured on 8 tiles of 512: a peak of 500 MB in place of 795, no slower beyond the noise.
        options.enable_mem_pattern = False
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            reason = " ".join(str(error).split())[:300]
            raise VedetteError(Code.MODEL_PACKAGE, f"{model} cannot be loaded: {reason}.", _REBUILD) from error
        self._input = manifest.input.name
        self._names = [output.name for output in self._session.get_outputs()]
        self._lock = threading.Lock()
        self._running: ort.RunOptions | None = None
        inputs = [given.name for given in self._session.get_inputs()]
        if inputs != [self._input]:
            raise VedetteError(Code.MODEL_PACKAGE, f"{model} takes {', '.join(inputs)}, not {self._input}.", _REBUILD)

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        """Raises VedetteError(MODEL_PACKAGE) when the graph does not take these tiles."""
        running = ort.RunOptions()
        with self._lock:
            self._running = running
        try:
            results = self._session.run(self._names, {self._input: tiles}, running)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise VedetteError(Code.MODEL_PACKAGE, f"The model failed on its tiles: {reason}.", _REBUILD) from error
        finally:
            with self._lock:
                self._running = None
        return dict(zip(self._names, results, strict=True))

    def interrupt(self) -> None:
        with self._lock:
            if self._running is not None:
                self._running.terminate = True

    def close(self) -> None:
        del self._session
