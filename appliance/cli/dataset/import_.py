"""`vedette dataset import LABELS --dataset NAME`: labels from a file become annotations, a layer apart from detections.

Importing the same file again replaces what it said before of the same items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from appliance.api.views.work import AnnotationCounts, AnnotationImport
from appliance.cli import connection, parse, progress
from appliance.clients.http import ApiClient
from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Item

_BATCH_RECORDS = 20_000
_BATCH_BYTES = 24 << 20


class Format(StrEnum):
    COCO = "coco"
    DEEPFOREST = "deepforest"
    GEOJSON = "geojson"
    VOC = "voc"


_SUFFIXES = {
    ".csv": Format.DEEPFOREST,
    ".json": Format.COCO,
    ".geojson": Format.GEOJSON,
    ".geojsonl": Format.GEOJSON,
    ".geojsons": Format.GEOJSON,
    ".xml": Format.VOC,
}


def command(
    ctx: typer.Context,
    labels: Annotated[Path, typer.Argument(help="A label file.")],
    dataset: Annotated[str, typer.Option(help="The dataset that holds the items.")],
    form: Annotated[Format | None, typer.Option("--format", help="Default: by the file's ending.")] = None,
    item: Annotated[str | None, typer.Option(help="GeoJSON: the item it describes.")] = None,
    label: Annotated[str | None, typer.Option(help="GeoJSON: the property that holds the label.")] = None,
) -> None:
    """Import labels as annotations. Twice is once."""
    chosen = form or guess(labels)
    with connection.of(ctx) as session, progress.on(session.output) as show:
        show.show(labels.name, "reading", None)
        records = (
            _geojson(session.api, labels, dataset, item, label) if chosen is Format.GEOJSON else _read(labels, chosen)
        )
        total = AnnotationCounts(items=0, imported=0, replaced=0)
        for batch in batches(labels, records):
            show.show(labels.name, f"{total.imported} annotations so far", None)
            new = AnnotationImport(source=labels.name, records=batch)
            counts = session.api.post(f"/api/datasets/{dataset}/annotations/import", new, AnnotationCounts)
            total = AnnotationCounts(
                items=total.items + counts.items,
                imported=total.imported + counts.imported,
                replaced=total.replaced + counts.replaced,
            )
        session.output.result(total, f"{labels.name}: {total.imported} annotations on {total.items} items")


def guess(labels: Path) -> Format:
    """Raises VedetteError(UNSUPPORTED) for an ending that says nothing."""
    found = _SUFFIXES.get(labels.suffix.lower())
    if found is None:
        known = ", ".join(form.value for form in Format)
        raise VedetteError(Code.UNSUPPORTED, f"The ending of {labels} says no format.", f"Say --format: {known}.")
    return found


def batches(labels: Path, records: Iterable[AnnotationRecord]) -> Iterator[list[AnnotationRecord]]:
    """Whole items together, because an import replaces all that its source said of an item.

    Raises VedetteError(LIMIT) when one item has more than a request may hold, VedetteError(EMPTY) for no record at all.
    """
    by_item: dict[str, list[AnnotationRecord]] = defaultdict(list)
    for record in records:
        by_item[record.item].append(record)
    if not by_item:
        raise VedetteError(Code.EMPTY, f"{labels} holds no labels.", "Name another file, or another --format.")
    batch: list[AnnotationRecord] = []
    held = 0
    for name, of_item in by_item.items():
        size = sum(len(record.model_dump_json()) for record in of_item)
        if size > 2 * _BATCH_BYTES or len(of_item) > 10 * _BATCH_RECORDS:
            raise VedetteError(
                Code.LIMIT, f"{labels} has too many labels for {name}.", "Split that item, or simplify its shapes."
            )
        if batch and (held + size > _BATCH_BYTES or len(batch) + len(of_item) > _BATCH_RECORDS):
            yield batch
            batch, held = [], 0
        batch = batch + of_item
        held += size
    yield batch


def _read(labels: Path, form: Format) -> Iterator[AnnotationRecord]:
    from appliance.formats.labels import coco, deepforest, voc

    reader = {Format.COCO: coco.read, Format.DEEPFOREST: deepforest.read, Format.VOC: voc.read}[form]
    return reader(labels)


def _geojson(
    api: ApiClient, labels: Path, dataset: str, name: str | None, label: str | None
) -> Iterator[AnnotationRecord]:
    """GeoJSON is in ground coordinates; the item says which pixel that is."""
    from appliance.formats.labels import geojson

    item = parse.items(api, dataset, [name])[0] if name else _namesake(api, labels, dataset)
    if item.scene is None:
        raise VedetteError(
            Code.CONFLICT, f"Item {item.name} is {item.state}: where it lies is not known.", "Wait until it is ready."
        )
    where = geojson.Georeference(item.name, item.scene.crs, item.scene.transform)
    return geojson.read(labels, where, label)


def _namesake(api: ApiClient, labels: Path, dataset: str) -> Item:
    """The one item that is called as the label file is."""
    found = [item for item in api.pages(f"/api/datasets/{dataset}/items", Item) if Path(item.name).stem == labels.stem]
    if len(found) != 1:
        raise VedetteError(
            Code.INVALID, f"Which item of {dataset} {labels.name} describes is not clear.", "Name it with --item."
        )
    return found[0]
