"""What is put in front of a graph whose manifest leaves the normalisation to the host; in ONNX's own text. Pure.

Called by on_device.py. The same steps in the same order as inference/normalise.py's, so that not a bit differs.
"""

from __future__ import annotations

from appliance.contracts.model_package import ModelInput


def prepared(source: ModelInput) -> str:
    """The graph's text: tiles of float32 that were not normalised become what the model takes."""
    wanted, bands = source.normalisation, len(source.bands)
    shape = ",".join(map(str, ("N", *source.tile_shape)))
    per_band = f"[{bands}]" if source.layout == "nhwc" else f"[{bands},1,1]"
    mean = _numbers(wanted.mean or [0.0], bands)
    deviation = _numbers(wanted.standard_deviation or [1.0], bands)
    return f"""(float[{shape}] tiles) => (float[{shape}] prepared) {{
      scale = Constant <value = float {{{wanted.scale!r}}}> ()
      mean = Constant <value = float{per_band} {{{mean}}}> ()
      deviation = Constant <value = float{per_band} {{{deviation}}}> ()
      scaled = Mul (tiles, scale)
      shifted = Sub (scaled, mean)
      prepared = Div (shifted, deviation)
    }}"""


def _numbers(values: list[float], count: int) -> str:
    return ", ".join(repr(float(value)) for value in (values * count if len(values) == 1 else values))
