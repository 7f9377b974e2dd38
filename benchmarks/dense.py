"""A model package that answers with whole maps, as many from elsewhere do: what `device` and `gpu` make thinner. Random weights:
its candidates mean nothing, its layers and outputs have the sizes of a small centre network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

from appliance.contracts.model_package import Manifest
from appliance.formats import model_package

TILE, STRIDE, CLASSES = 512, 4, 4


def write(folder: Path) -> Path:
    """The package's folder: tiles of 512, maps of 128 for four classes."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"""<ir_version: 9, opset_import: ["": 18]>
    dense (uint8[N,{TILE},{TILE},3] tiles) => (float[N,{CLASSES},128,128] heatmap, float[N,2,128,128] size,
                                               float[N,2,128,128] offset) {{
      planar = Transpose <perm = [0, 3, 1, 2]> (tiles)
      real = Cast <to = 1> (planar)
      first = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (real, w1)
      one = Relu (first)
      second = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (one, w2)
      two = Relu (second)
      heat = Conv (two, wh)
      heatmap = Sigmoid (heat)
      sides = Conv (two, ws)
      size = Abs (sides)
      within = Conv (two, wo)
      offset = Sigmoid (within)
    }}"""
    model = parser.parse_model(text)
    random = np.random.default_rng(2)
    shapes = {
        "w1": (16, 3, 3, 3),
        "w2": (32, 16, 3, 3),
        "wh": (CLASSES, 32, 1, 1),
        "ws": (2, 32, 1, 1),
        "wo": (2, 32, 1, 1),
    }
    for name, shape in shapes.items():
        weights = random.normal(0, 0.02, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weights, name))
    onnx.save(model, str(folder / "model.onnx"))
    document = {
        "name": "dense",
        "version": "1.0.0",
        "task": "detect",
        "architecture": "two convolutions and three heads, random weights",
        "taxonomy": [{"path": [f"class-{number}"]} for number in range(CLASSES)],
        "input": {"bands": ["red", "green", "blue"], "tile_size": TILE, "halo": 40},
        "decode": {"kind": "centre", "stride": STRIDE, "maximum_per_tile": 300},
        "running_point": {"threshold": 0.6},
        "licence": "Apache-2.0",
    }
    model_package.write(folder, Manifest.model_validate(document), {}, "# Dense\n\nFor benchmarks.\n")
    return folder
