"""Bounds on how large detections are, as every route about detections takes them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from appliance.api.views.detections import Measures

_Size = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False, description="Longer side, in pixels.")]
_Area = Annotated[
    float | None,
    Query(ge=0, le=1e15, allow_inf_nan=False, description="Square metres; square pixels without georeference."),
]


async def _measures(
    min_size: _Size = None, max_size: _Size = None, min_area: _Area = None, max_area: _Area = None
) -> Measures:
    return Measures(min_size, max_size, min_area, max_area)


MeasuresOf = Annotated[Measures, Depends(_measures)]
