"""Annotations put where they lie on the ground, once it is known: when their item becomes ready. Called by item_reports
and by what makes or imports annotations."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.map_plane import MAP_SRID, ewkb, outline, place, srid_of
from appliance.api.storage import annotations as annotation_rows
from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.item import Item, SceneInfo


def placed(record: AnnotationRecord, scene: SceneInfo) -> tuple[str, str]:
    """(geometry, map_geometry) of one, hexadecimal EWKB."""
    ground, drawn = place([record.polygon or [outline(record.box)]], scene)
    return ewkb(ground, srid_of(scene))[0], ewkb(drawn, MAP_SRID)[0]


def places(records: list[AnnotationRecord], scene: SceneInfo | None) -> list[tuple[str | None, str | None]]:
    """(geometry, map_geometry) of each, hexadecimal EWKB; None while the scene is not known."""
    if scene is None or not records:
        return [(None, None)] * len(records)
    shapes = [record.polygon or [outline(record.box)] for record in records]
    ground, drawn = place(shapes, scene)
    return list(zip(ewkb(ground, srid_of(scene)), ewkb(drawn, MAP_SRID), strict=True))


async def place_annotations(connection: AsyncConnection, item: Item) -> None:
    known = await annotation_rows.records(connection, [item.id])
    found = places([record for _, _, record in known], item.scene)
    await annotation_rows.set_places(
        connection,
        [(row[0], shape, drawn) for row, (shape, drawn) in zip(known, found, strict=True) if shape and drawn],
    )
    if known:
        await annotation_rows.touch(connection, [item.id])
