"""Map tiles, all WebMercatorQuad: the scene as pictures, detections and annotations as vectors."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from appliance.api.caching import immutable, matches, not_modified, private
from appliance.api.context import ServicesOf, Who
from appliance.api.routes.measures import MeasuresOf
from appliance.api.views.detections import TileFilter
from appliance.api.views.tiles import AnnotationTileFilter, RasterStyle, TileAddress

router = APIRouter(prefix="/api", tags=["tiles"])

Zoom = Annotated[int, Path(ge=0, le=24)]
Place = Annotated[int, Path(ge=0, lt=1 << 24)]
VECTOR = "application/vnd.mapbox-vector-tile"
CountsAbove = Annotated[
    int | None, Query(ge=0, le=1_000_000, description="Give counts where a tile holds more than so many.")
]
_VECTOR_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {VECTOR: {"schema": {"type": "string", "format": "binary"}}}}
}


async def _tile(z: Zoom, x: Place, y: Place) -> TileAddress:
    return TileAddress(z=z, x=x, y=y)


async def _style(
    extension: Literal["png", "jpg", "webp"],
    bands: Annotated[
        str | None, Query(pattern=r"^\d{1,4}(,\d{1,4}){0,2}$", description="One or three, from 1.", examples=["4,3,2"])
    ] = None,
    rescale: Annotated[
        str | None, Query(max_length=200, description="lo,hi for all bands, or a pair per band.", examples=["0,3000"])
    ] = None,
) -> RasterStyle:
    return RasterStyle.parse(extension, bands, rescale)


Tile = Annotated[TileAddress, Depends(_tile)]
Style = Annotated[RasterStyle, Depends(_style)]


@router.get(
    "/items/{item_id}/tiles/{z}/{x}/{y}.{extension}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}}},
)
async def get_scene_tile(
    item_id: UUID,
    tile: Tile,
    style: Style,
    services: ServicesOf,
    request: Request,
    _: Who,
    v: Annotated[
        str | None, Query(max_length=100, description="The scene's digest: makes the answer immutable.")
    ] = None,
) -> Response:
    """256 pixels square; transparent outside the scene. Stretched as recorded with the scene, unless told otherwise."""
    source = await services.raster_tiles.scene(item_id)
    tag = services.raster_tiles.tag(source, style)
    if matches(request, tag):
        return not_modified(tag)
    drawn = await services.raster_tiles.tile(source, tile, style)
    return Response(drawn, media_type=style.media_type, headers=immutable(tag) if v else private(tag))


@router.get("/runs/{run_id}/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=_VECTOR_RESPONSE)
async def get_detection_tile(
    run_id: UUID,
    tile: Tile,
    services: ServicesOf,
    request: Request,
    _: Who,
    measures: MeasuresOf,
    min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
    counts_above: CountsAbove = None,
) -> Response:
    """Layer `detections`: ordinal, label, score, size, area; `truncated` is true on all where a tile holds too many and
    only the best are given. Or layer `counts`: points with `counts`, JSON of label -> hundredth of the score -> how
    many, each detection counted in one tile only."""
    wanted = TileFilter(min_score, measures, counts_above)
    tag = await services.vector_tiles.run_tag(run_id, wanted)
    if matches(request, tag):
        return not_modified(tag)
    drawn = await services.vector_tiles.detections(run_id, tile, wanted)
    return Response(drawn, media_type=VECTOR, headers=private(tag))


@router.get("/items/{item_id}/annotations/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=_VECTOR_RESPONSE)
async def get_annotation_tile(
    item_id: UUID,
    tile: Tile,
    services: ServicesOf,
    request: Request,
    _: Who,
    people: Annotated[bool, Query(description="With what people said on the page, beside that of label files.")] = True,
    counts_above: CountsAbove = None,
) -> Response:
    """Layer `annotations`: id, label, source; `truncated` is true on all where a tile holds too many. Or layer `counts`,
    as of detections; an annotation is of the highest hundredth."""
    wanted = AnnotationTileFilter(people, counts_above)
    tag = await services.vector_tiles.annotations_tag(item_id, wanted)
    if matches(request, tag):
        return not_modified(tag)
    drawn = await services.vector_tiles.annotations(item_id, tile, wanted)
    return Response(drawn, media_type=VECTOR, headers=private(tag))
