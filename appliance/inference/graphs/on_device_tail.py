"""What is put behind a graph so that it says the best K candidates of a tile and no more, in ONNX's own text. Pure.

Called by on_device.py. Does what vision/decode does, tile by tile: the host's decoder stays the truth, and what is said here
goes through it as a head with K candidates. A row that is no candidate has a score of -1, which no threshold lets through; a
score that is not a number goes first, as infinity, so that the host refuses the model's answer as it would without this.
"""

from __future__ import annotations

from math import prod

from appliance.contracts.model_package import DecodeHead

Shape = tuple[int, ...]
"""Of one tile's output: the batch axis is left out."""

LEAST = 1e-6
"""Peaks count from here on, as in vision/decode/centre.py."""

_PER_CANDIDATE = {"boxes": "float", "classes": "int64", "masks": "float"}


def centre(head: DecodeHead, heatmap: Shape) -> tuple[str, Shape]:
    """The graph's text for a heatmap (C, H, W) with size and offset (2, H, W), and the shape (K, 4) of its boxes.

    Equal neighbours are peaks both; of equal scores the first cell goes first: as the host has it.
    """
    classes, height, width = heatmap
    most = min(head.maximum_per_tile, prod(heatmap))
    text = f"""(float[N,{classes},{height},{width}] heatmap, float[N,2,{height},{width}] size,
      float[N,2,{height},{width}] offset)
      => (float[N,{most},4] boxes, float[N,{most}] scores, int64[N,{most}] classes) {{
        highest = MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (heatmap)
        level = Equal (heatmap, highest)
        least = Constant <value_float = {LEAST}> ()
        seen = GreaterOrEqual (heatmap, least)
        peak = And (level, seen)
        none = Constant <value_float = -1.0> ()
        chosen = Where (peak, heatmap, none)
        {_strange("heatmap")}
        ranked = Where (strange, endless, chosen)
        flat = Flatten (ranked)
        most = Constant <value_ints = [{most}]> ()
        scores, places = TopK (flat, most)
        plane = Constant <value_int = {height * width}> ()
        classes = Div (places, plane)
        cells = Mod (places, plane)
        width = Constant <value_int = {width}> ()
        row = Div (cells, width)
        column = Mod (cells, width)
        channel = Constant <value_ints = [1]> ()
        rows = Unsqueeze (row, channel)
        columns = Unsqueeze (column, channel)
        whole = Concat <axis = 1> (columns, rows)
        corner = Cast <to = 1> (whole)
        cell = Unsqueeze (cells, channel)
        both = Concat <axis = 1> (cell, cell)
        planes = Constant <value_ints = [0, 2, -1]> ()
        offsets = Reshape (offset, planes)
        within = GatherElements <axis = 2> (offsets, both)
        sizes = Reshape (size, planes)
        sides = GatherElements <axis = 2> (sizes, both)
        place = Add (corner, within)
        stride = Constant <value_float = {float(head.stride)}> ()
        middle = Mul (place, stride)
        two = Constant <value_float = 2.0> ()
        half = Div (sides, two)
        low = Sub (middle, half)
        high = Add (middle, half)
        corners = Concat <axis = 1> (low, high)
        boxes = Transpose <perm = [0, 2, 1]> (corners)
      }}"""
    return text, (most, 4)


def best(head: DecodeHead, shapes: dict[str, Shape]) -> str:
    """The graph's text for scores (K), boxes (K, 4 or 5), classes (K) and perhaps masks (K, h, w), K above the maximum."""
    many, most = shapes["scores"][0], head.maximum_per_tile
    followers = {role: kind for role, kind in _PER_CANDIDATE.items() if role in shapes}

    def declared(count: int, suffix: str) -> str:
        axes = {role: ",".join(map(str, ("N", count, *shapes[role][1:]))) for role in followers}
        return ", ".join(f"{kind}[{axes[role]}] {role}{suffix}" for role, kind in followers.items())

    gathered = "\n".join(f"{role} = GatherND <batch_dims = 1> ({role}_all, places)" for role in followers)
    return f"""(float[N,{many}] scores_all, {declared(many, "_all")})
      => (float[N,{most}] scores, {declared(most, "")}) {{
        {_strange("scores_all")}
        ranked = Where (strange, endless, scores_all)
        most = Constant <value_ints = [{most}]> ()
        scores, place = TopK (ranked, most)
        last = Constant <value_ints = [2]> ()
        places = Unsqueeze (place, last)
        {gathered}
      }}"""


def _strange(scores: str) -> str:
    """Where scores are no finite numbers, and what stands for them."""
    return f"""unknown = IsNaN ({scores})
        beyond = IsInf ({scores})
        strange = Or (unknown, beyond)
        one = Constant <value_float = 1.0> ()
        nothing = Constant <value_float = 0.0> ()
        endless = Div (one, nothing)"""
