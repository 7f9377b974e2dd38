"""ONNX Runtime: the backend that runs everywhere, on the processor or on an NVIDIA card. The only file that names onnxruntime."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Literal

import onnxruntime as ort
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.backends import failures, machine
from appliance.inference.backends.base import About, Outputs, interrupted
from appliance.inference.backends.halving import Halving
from appliance.inference.backends.streams import Streams

Provider = Literal["cpu", "cuda"]
LIBRARY = f"ONNX Runtime {ort.__version__}"


class OnnxRuntimeBackend:
    """One session: on the processor's cores (`threads` 0: one per core) a batch goes through it in pieces side by side, on a
    card whole. `device_memory_bytes` bounds what the session takes of the card; 0: all that is free."""

    def __init__(
        self,
        model: Path,
        manifest: Manifest,
        threads: int = 0,
        provider: Provider = "cpu",
        device_memory_bytes: int = 0,
    ) -> None:
        """Raises VedetteError: MODEL_PACKAGE when the file is no ONNX model or has no such input, UNSUPPORTED when it uses an
        operator that is not there, or there is no such card."""
        gpus = usable_gpus() if provider == "cuda" else []
        if provider == "cuda" and not gpus:
            raise VedetteError(
                Code.UNSUPPORTED,
                f"{LIBRARY} sees no NVIDIA card here.",
                "Install onnxruntime-gpu and the driver, or take another backend.",
            )
        self._streams = Streams(threads)
        try:
            self._session = _session(model, self._streams.threads_each, provider, device_memory_bytes)
            self._names = [output.name for output in self._session.get_outputs()]
            _check_input(model, self._session, manifest.input.name)
        except BaseException:
            self._streams.close()
            raise
        self._input = manifest.input.name
        self._whole = provider == "cuda"
        self._halving = Halving()
        self._lock = threading.Lock()
        self._interrupts = 0
        self._running: set[ort.RunOptions] = set()
        name, device = (
            ("onnxruntime-cuda", gpus[0]) if gpus else ("onnxruntime", f"CPU, {self._streams.threads} threads")
        )
        self.about = About(name, LIBRARY, device)

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        began = self._interrupts
        return self._halving.run(tiles, lambda piece: self._run(piece, began))

    def interrupt(self) -> None:
        with self._lock:
            self._interrupts += 1
            for running in self._running:
                running.terminate = True

    def close(self) -> None:
        self._streams.close()
        if hasattr(self, "_session"):
            del self._session

    def _run(self, tiles: NDArray[Any], began: int) -> Outputs:
        """`began`: how many interrupts there had been when the batch came."""
        running = ort.RunOptions()

        def look(piece: NDArray[Any]) -> list[NDArray[Any]]:
            answer: list[NDArray[Any]] = self._session.run(self._names, {self._input: piece}, running)
            return answer

        def stop() -> None:
            running.terminate = True

        with self._lock:
            if self._interrupts != began:
                raise interrupted()
            self._running.add(running)
        try:
            arrays = look(tiles) if self._whole else self._streams.run(tiles, look, stop)
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            if self._interrupts != began:
                raise interrupted() from error
            raise failures.on_tiles(error) from error
        finally:
            with self._lock:
                self._running.discard(running)
        return dict(zip(self._names, arrays, strict=True))


def usable_gpus() -> list[str]:
    """The NVIDIA cards of this machine that this build of ONNX Runtime can compute on, by model."""
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        return []
    return machine.cards()


def _session(model: Path, threads: int, provider: Provider, device_memory_bytes: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Measured on 8 tiles of 512: a peak of 500 MB in place of 795, no slower beyond the noise.
    options.enable_mem_pattern = False
    providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
    if provider == "cuda":
        providers.insert(0, ("CUDAExecutionProvider", cuda_options(device_memory_bytes)))
    try:
        return ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise failures.on_opening(model, LIBRARY, error) from error


def cuda_options(device_memory_bytes: int) -> dict[str, str]:
    """The arena grows by what is asked for, not by doubling, so that a budget is used to its end."""
    limit = {"gpu_mem_limit": str(device_memory_bytes)} if device_memory_bytes else {}
    return {"arena_extend_strategy": "kSameAsRequested", **limit}


def _check_input(model: Path, session: ort.InferenceSession, name: str) -> None:
    inputs = [given.name for given in session.get_inputs()]
    if inputs != [name]:
        raise failures.other_input(model, inputs, name)
