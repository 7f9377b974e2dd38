"""A trained network -> model.onnx: raw pixels in, boxes out; normalisation, peaks and top-k are in the graph.

Called by the loop's end and by tests. The graph fits head kind `boxes` of contracts/model_package.py.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from appliance.training.architecture import STRIDE, CentreDetector, normalise
from appliance.training.tiles import TileModel

INPUT = "tiles"
OUTPUTS = ("boxes", "scores", "classes")
_OPSET = 18


class Deployed(nn.Module):
    """tiles uint8 (N,T,T,3) -> boxes (N,K,4) float32 x0,y0,x1,y1 in tile pixels, scores (N,K), classes (N,K) int64.

    Peaks are cells that no neighbour of their 3x3 surroundings exceeds (Zhou et al. 2019, section 4).
    """

    def __init__(self, network: CentreDetector, maximum: int) -> None:
        super().__init__()
        self.network = network
        self.maximum = maximum

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heat, sides = self.network(normalise(tiles))
        _, classes, rows, columns = heat.shape
        highest = functional.max_pool2d(heat, 3, stride=1, padding=1)
        peaks = torch.where(heat == highest, torch.sigmoid(heat), torch.zeros_like(heat))
        scores, places = torch.topk(peaks.reshape(-1, classes * rows * columns), self.maximum, dim=1)
        cells = places % (rows * columns)
        distances = torch.gather(sides.reshape(-1, 4, rows * columns), 2, cells.unsqueeze(1).expand(-1, 4, -1))
        x = ((cells % columns).to(torch.float32) + 0.5) * STRIDE
        y = (torch.div(cells, columns, rounding_mode="floor").to(torch.float32) + 0.5) * STRIDE
        corners = [x - distances[:, 0], y - distances[:, 1], x + distances[:, 2], y + distances[:, 3]]
        return torch.stack(corners, dim=2), scores, torch.div(places, rows * columns, rounding_mode="floor")


def export(network: CentreDetector, path: Path, tile_size: int, maximum: int) -> None:
    """Write the ONNX file: batch dimension dynamic, tile size fixed."""
    module = Deployed(network, maximum).eval()
    example = torch.zeros((2, tile_size, tile_size, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101
    program.save(str(path), external_data=False)
    _forget_where_it_was_made(path)


def _forget_where_it_was_made(path: Path) -> None:
    """The exporter notes stack traces, with this machine's paths, on every node: nobody else's business, and a third of the nodes' size."""
    model = onnx.load(str(path))
    for entry in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, model.graph):
        del entry.metadata_props[:]
        entry.doc_string = ""
    del model.metadata_props[:]
    onnx.save(model, str(path))


def torch_model(network: CentreDetector, maximum: int) -> TileModel:
    """The network as evaluation calls it, before any export, on the device where it is."""
    module = Deployed(network, maximum).eval()
    place = next(network.parameters()).device

    def run(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        with torch.inference_mode():
            boxes, scores, classes = module(torch.from_numpy(tiles).to(place))
        return boxes.cpu().numpy(), scores.cpu().numpy(), classes.cpu().numpy()

    return run


def onnx_model(path: Path, threads: int = 0) -> TileModel:
    """The exported file through ONNX Runtime on the CPU."""
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        boxes, scores, classes = session.run(list(OUTPUTS), {INPUT: tiles})
        return boxes, scores, classes

    return run
