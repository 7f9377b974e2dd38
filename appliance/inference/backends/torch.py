"""torch, which training brings along: on an NVIDIA card that it sees, else on the processor. The only file that names torch and
onnx2pytorch outside training; opened by catalogue.py. What it computes is `torch_graph.py`'s to hand out.

Some of torch's settings are the process's: while such a backend is open the threads of one operation are those of a stream, and
on a card convolutions are computed in full FP32 and the memory that the process may take is bounded.
"""

from __future__ import annotations

import threading
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx2pytorch.convert.model import ConvertModel
from onnx2pytorch.operations import Gather

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.backends import failures, torch_graph
from appliance.inference.backends.base import About, Outputs, blank, interrupted
from appliance.inference.backends.halving import Halving
from appliance.inference.backends.streams import Streams

LIBRARY = f"torch {torch.__version__}"
_THREADS = torch.get_num_threads()
"""What torch takes by itself, and gets back when a backend is closed."""
_OPENING = threading.Lock()
"""Opening changes what is the process's: torch's threads and what is done about warnings."""


class TorchBackend:
    """One module. On the processor (`threads` 0: one per core) a batch goes through it in pieces side by side, on a card whole.
    `device_memory_bytes` bounds what this process takes of the card through torch; 0: all that is free."""

    def __init__(self, model: Path, manifest: Manifest, threads: int = 0, device_memory_bytes: int = 0) -> None:
        """Raises VedetteError: MODEL_PACKAGE when the file is no ONNX model, has no such input or fails on a blank tile,
        UNSUPPORTED when it uses what torch lacks."""
        self._card = torch.cuda.is_available()
        self._streams = Streams(threads)
        self._halving = Halving()
        self._lock = threading.Lock()
        self._interrupts = 0
        self._mine = threading.local()
        self._module = torch.nn.Module()
        name = torch.cuda.get_device_name() if self._card else f"CPU, {self._streams.threads} threads"
        self.about = About("torch", LIBRARY, name)
        try:
            with _OPENING:
                self._settle(device_memory_bytes)
                graph = torch_graph.read(model, manifest.input.name)
                self._takes, self._names = graph.takes, graph.outputs
                self._module = self._converted(graph)
            self._look(blank(manifest.input, 1), 0)
        except BaseException as error:
            self.close()
            raise _opening(model, error) from error

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        began = self._interrupts
        self._takes.check(tiles)
        return self._halving.run(tiles, lambda piece: self._run(piece, began))

    def interrupt(self) -> None:
        with self._lock:
            self._interrupts += 1

    def close(self) -> None:
        self._streams.close()
        self._module = torch.nn.Module()
        torch.set_num_threads(_THREADS)
        if self._card:
            torch.cuda.empty_cache()

    def _run(self, tiles: NDArray[Any], began: int) -> Outputs:
        """`began`: how many interrupts there had been when the batch came."""
        look = partial(self._look, began=began)
        try:
            arrays = look(tiles) if self._card else self._streams.run(tiles, look, lambda: None)
        except Exception as error:
            if self._interrupts != began:
                raise interrupted() from error
            raise failures.on_tiles(error) from error
        return dict(zip(self._names, arrays, strict=True))

    def _look(self, piece: NDArray[Any], began: int) -> list[NDArray[Any]]:
        """Arrays of their own on a card; on the processor they may be the module's, and Streams copies them."""
        self._mine.began = began
        with torch.inference_mode():
            # Neither is copied where it is not needed: torch warns of memory that it may not write, and never writes it.
            tiles = torch.from_numpy(np.require(piece, requirements=["C", "W"]))
            given = self._module(tiles.cuda() if self._card else tiles)
            answers = given if isinstance(given, list) else [given]
            return [answer.cpu().numpy() for answer in answers]

    def _settle(self, device_memory_bytes: int) -> None:
        torch.set_num_threads(self._streams.threads_each)
        if not self._card:
            return
        torch.backends.cudnn.allow_tf32 = False  # ten bits of the mantissa would find other boxes
        if device_memory_bytes:
            total = torch.cuda.get_device_properties().total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, device_memory_bytes / total))

    def _converted(self, graph: torch_graph.Graph) -> torch.nn.Module:
        with warnings.catch_warnings():
            # It warns where it guesses an operator or leaves out what it says: then another backend is to run the model.
            warnings.simplefilter("error")
            module = ConvertModel(graph.model)
        del module.onnx_model.graph.initializer[:]  # the module has them
        for name, operation in list(module.named_children()):
            if isinstance(operation, Gather):
                operation = _Gather(operation.dim)
                setattr(module, name, operation)
            operation.register_forward_pre_hook(self._end_where_interrupted)
        module.eval()
        return module.cuda() if self._card else module

    def _end_where_interrupted(self, *_: object) -> None:
        """Before every operation: a batch ends with the one that is being computed."""
        if self._interrupts != self._mine.began:
            raise interrupted()


class _Gather(torch.nn.Module):
    """In place of the library's, which indexes by a list (torch is about to take that for something else)."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self._axis = axis

    def forward(self, data: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        places: list[slice | torch.Tensor] = [slice(None)] * (self._axis % data.dim())
        return data[(*places, indices.long())]


def _opening(model: Path, error: BaseException) -> BaseException:
    if isinstance(error, VedetteError) or not isinstance(error, Exception):
        return error
    if isinstance(error, NotImplementedError) and not failures.lacking(str(error)):
        said = " ".join(str(error).split())[:300].rstrip(".")
        return VedetteError(Code.UNSUPPORTED, f"{LIBRARY} cannot compute {model}: {said}.", "Let the backend be auto.")
    return failures.on_opening(model, LIBRARY, error)
