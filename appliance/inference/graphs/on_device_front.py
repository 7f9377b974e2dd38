"""What is put in front of a graph that takes float32, so that tiles may come as they were decoded; in ONNX's own text. Pure.

Called by on_device.py. The same steps in the same order as inference/feeder.py's, so that not a bit differs.
"""

from __future__ import annotations

from appliance.contracts.model_package import ModelInput


def prepared(source: ModelInput, pixels: str) -> str:
    """The graph's text: tiles of type `pixels`, laid out as the model takes them, become float32, normalised where the
    manifest leaves that to the host."""
    shape = ",".join(map(str, ("N", *tile_shape(source))))
    type_name = {"float32": "float"}.get(pixels, pixels)
    steps = "\n".join(["real = Cast <to = 1> (tiles)", *_normalised(source)])
    return f"({type_name}[{shape}] tiles) => (float[{shape}] prepared) {{ {steps} }}"


def tile_shape(source: ModelInput) -> tuple[int, int, int]:
    side, bands = source.tile_size, len(source.bands)
    return (side, side, bands) if source.layout == "nhwc" else (bands, side, side)


def _normalised(source: ModelInput) -> list[str]:
    wanted, bands = source.normalisation, len(source.bands)
    if wanted.where == "graph":
        return ["prepared = Identity (real)"]
    per_band = f"[{bands}]" if source.layout == "nhwc" else f"[{bands},1,1]"
    mean = _numbers(wanted.mean or [0.0], bands)
    deviation = _numbers(wanted.standard_deviation or [1.0], bands)
    return [
        f"scale = Constant <value = float {{{wanted.scale!r}}}> ()",
        f"mean = Constant <value = float{per_band} {{{mean}}}> ()",
        f"deviation = Constant <value = float{per_band} {{{deviation}}}> ()",
        "scaled = Mul (real, scale)",
        "shifted = Sub (scaled, mean)",
        "prepared = Div (shifted, deviation)",
    ]


def _numbers(values: list[float], count: int) -> str:
    return ", ".join(repr(float(value)) for value in (values * count if len(values) == 1 else values))
