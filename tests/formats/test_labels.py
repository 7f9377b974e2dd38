"""Label files: what each format says, and what a bad row is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.errors import Code, VedetteError
from appliance.formats.labels import coco, deepforest, geojson, voc

HEADER = "image_path,xmin,ymin,xmax,ymax,label\n"


def refused(records: Iterator[AnnotationRecord]) -> str:
    with pytest.raises(VedetteError) as caught:
        list(records)
    assert caught.value.reason.code is Code.LABELS
    assert caught.value.reason.remedy
    return caught.value.reason.message


def read_or_refused(records: Iterator[AnnotationRecord]) -> None:
    """Anything but records or a refusal would come through."""
    with suppress(VedetteError):
        list(records)


def corners(record: AnnotationRecord) -> tuple[float, float, float, float]:
    box = record.box
    return box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2


def test_deepforest_boxes_with_further_columns_as_attributes(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "image_path,xmin,ymin,xmax,ymax,label,height\nfolder/a.tif,10,20,30,60,Tree,12.5\nb.tif,0,0,0,0,Tree,\n"
    )
    (record,) = deepforest.read(file)
    assert (record.item, record.label, corners(record)) == ("a.tif", "Tree", (10, 20, 30, 60))
    assert record.attributes == {"height": "12.5"}


def test_deepforest_polygons(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text('image_path,label,geometry\na.tif,Tree,"POLYGON ((1 2, 5 2, 5 9, 1 2))"\n')
    (record,) = deepforest.read(file)
    assert record.polygon == [[(1, 2), (5, 2), (5, 9), (1, 2)]]
    assert corners(record) == (1, 2, 5, 9)


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (HEADER + "a.tif,1,1,5,5,Tree\na.tif,x,1,5,5,Tree\n", "line 3", "xmin"),
        (HEADER + "a.tif,5,1,5,9,Tree\n", "line 2", "no area"),
        (HEADER + "a.tif,1,1,nan,9,Tree\n", "line 2", "xmax"),
        (HEADER + "a.tif,1,1,1e300,9,Tree\n", "line 2", "xmax"),
        (HEADER + ",1,1,5,9,Tree\n", "line 2", "image name"),
        (HEADER + "a.tif,1,1,5,9,\n", "line 2", "label"),
        (HEADER + "a.tif,1,1\n", "line 2", "no box"),
        ("image_path,label\na.tif,Tree\n", "line 1", "xmin, ymin, xmax, ymax"),
        ('image_path,label,geometry\na.tif,Tree,"POLYGON ((1"\n', "line 2", "WKT"),
        ("image_path,label,geometry\na.tif,Tree,POINT (1 2)\n", "line 2", "Point"),
        (HEADER + '"a.tif,1,1,5,9,Tree\n', "after line 1", "not CSV"),
        ("", "line 1", "image_path"),
    ],
)
def test_deepforest_names_the_bad_row(tmp_path: Path, text: str, place: str, why: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    message = refused(deepforest.read(file))
    assert str(file) in message
    assert place in message
    assert why in message


def test_deepforest_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes(b"image_path,xmin\n\xff\xfe\x00")
    assert str(file) in refused(deepforest.read(file))


def test_no_such_file(tmp_path: Path) -> None:
    for read in (deepforest.read, coco.read, voc.read):
        with pytest.raises(VedetteError, match="not a file"):
            list(read(tmp_path / "none"))


def coco_document(**annotation: Any) -> dict[str, Any]:
    entry = {"id": 7, "image_id": 1, "category_id": 2, "bbox": [10, 20, 30, 40], **annotation}
    return {
        "images": [{"id": 1, "file_name": "images\\a.tif"}],
        "categories": [{"id": 2, "name": "Tree"}],
        "annotations": [entry],
    }


def write_json(folder: Path, document: Any, name: str = "labels.json") -> Path:
    (folder / name).write_text(json.dumps(document))
    return folder / name


def test_coco_box(tmp_path: Path) -> None:
    (record,) = coco.read(write_json(tmp_path, coco_document(iscrowd=0, attributes={"dead": True})))
    assert (record.item, record.label, corners(record)) == ("a.tif", "Tree", (10, 20, 40, 60))
    assert record.attributes == {"attributes": {"dead": True}}


def test_coco_polygon_and_an_object_in_parts(tmp_path: Path) -> None:
    one = [0, 0, 10, 0, 10, 10]
    (record,) = coco.read(write_json(tmp_path, coco_document(segmentation=[one])))
    assert record.polygon == [[(0, 0), (10, 0), (10, 10)]]
    (record,) = coco.read(write_json(tmp_path, coco_document(segmentation=[one, one])))
    assert record.polygon is None
    assert len(record.attributes["segmentation"]) == 2
    assert corners(record) == (10, 20, 40, 60)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (coco_document(bbox=[1, 2, 3]), "annotations[0]"),
        (coco_document(bbox=[1, 2, 0, 4]), "no area"),
        (coco_document(bbox=[1, 2, "wide", 4]), "bbox"),
        (coco_document(image_id=99), "image_id 99"),
        (coco_document(category_id=None), "category_id"),
        (coco_document(segmentation={"counts": [1], "size": [2, 2]}), "RLE"),
        (coco_document(segmentation=[[1, 2, 3]]), "three points"),
        ({"images": [], "categories": []}, "annotations"),
        ({"images": [{"id": 1}], "categories": [], "annotations": []}, "images[0]"),
        ([], "not a JSON object"),
    ],
)
def test_coco_names_the_bad_entry(tmp_path: Path, document: Any, why: str) -> None:
    assert why in refused(coco.read(write_json(tmp_path, document)))


def test_coco_that_is_not_json(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text('{\n"images": [}')
    assert "line 2" in refused(coco.read(file))
    file.write_text("[" * 200_000)
    refused(coco.read(file))


def voc_text(body: str, filename: str = "a.png") -> str:
    return f"<annotation><filename>{filename}</filename>{body}</annotation>"


def voc_object(xmax: str = "30") -> str:
    return (
        "<object><name>Tree</name><difficult>1</difficult><truncated>0</truncated>"
        f"<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>{xmax}</xmax><ymax>60</ymax></bndbox></object>"
    )


def test_voc(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(voc_text(voc_object() * 2))
    first, second = voc.read(file)
    assert first == second
    assert (first.item, first.label, corners(first)) == ("a.png", "Tree", (10, 20, 30, 60))
    assert first.attributes == {"difficult": True}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (voc_text(voc_object() + voc_object("wide")), "object 2"),
        (voc_text(voc_object("10")), "no area"),
        (voc_text("<object><name>Tree</name></object>"), "bndbox"),
        (f"<annotation>{voc_object()}</annotation>", "no image"),
        ("<annotation>\n<object>", "line 2"),
        ("no xml", "line 1"),
    ],
)
def test_voc_names_the_bad_object(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "a.xml"
    file.write_text(text)
    assert why in refused(voc.read(file))


def test_voc_entity_bomb_is_refused(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    file = tmp_path / "a.xml"
    file.write_text(f'<!DOCTYPE a [<!ENTITY e0 "lol">{levels}]><annotation><filename>&e11;</filename></annotation>')
    refused(voc.read(file))


UTM = geojson.Georeference("a.tif", "EPSG:32617", (0.1, 0, 404211.9, 0, -0.1, 3285142.9))


def feature(ring: list[Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def ground(columns_rows: list[tuple[float, float]], crs: str = "OGC:CRS84") -> list[list[float]]:
    to_ground = Transformer.from_crs("EPSG:32617", crs, always_xy=True)
    places = [Affine(*UTM.transform) @ position for position in columns_rows]
    return [list(to_ground.transform(x, y)) for x, y in places]


def test_geojson_in_wgs84_comes_back_to_pixels(tmp_path: Path) -> None:
    pixels = [(10.0, 20.0), (30.0, 20.0), (30.0, 60.0), (10.0, 60.0), (10.0, 20.0)]
    collection = {"type": "FeatureCollection", "features": [feature(ground(pixels), label="Tree", height=3)]}
    (record,) = geojson.read(write_json(tmp_path, collection), UTM)
    assert (record.item, record.label, record.attributes) == ("a.tif", "Tree", {"height": 3})
    assert corners(record) == pytest.approx((10, 20, 30, 60), abs=1e-3)


def test_geojson_in_the_crs_it_names(tmp_path: Path) -> None:
    ring = ground([(0, 0), (10, 0), (10, 10), (0, 0)], "EPSG:32617")
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32617"}}
    collection = {"type": "FeatureCollection", "crs": crs, "features": [feature(ring, kind="Tree")]}
    (record,) = geojson.read(write_json(tmp_path, collection), UTM, "kind")
    assert corners(record) == pytest.approx((0, 0, 10, 10), abs=1e-3)


def test_geojson_lines_and_parts(tmp_path: Path) -> None:
    square = [[0, 0], [4, 0], [4, 4], [0, 0]]
    many = {"type": "MultiPolygon", "coordinates": [[square], [square]]}
    lines = [feature(square, label="a"), {"type": "Feature", "properties": {"label": "b"}, "geometry": many}]
    file = tmp_path / "labels.geojsonl"
    file.write_text("\n\x1e".join(json.dumps(line) for line in lines))
    pixels = geojson.Georeference("a.png", None, (1, 0, 0, 0, 1, 0))
    assert [record.label for record in geojson.read(file, pixels)] == ["a", "b", "b"]


SQUARE = [[0, 0], [4, 0], [4, 4], [0, 0]]


@pytest.mark.parametrize(
    ("features", "why"),
    [
        ([feature(SQUARE)], "features[0]: no property"),
        (
            [feature([[-81, 29], [-81, 30], [-80, 30], [-81, 29]], label="a"), {"type": "Feature", "geometry": None}],
            "features[1]",
        ),
        ([{"geometry": {"type": "Point", "coordinates": [0, 0]}}], "Point"),
        ([feature([[0, 0], [1]], label="a")], "four positions"),
        ([feature([[0, 0], [1], [1, 1], [0, 0]], label="a")], "two numbers"),
        ([feature([[0, 0], ["x", 1], [1, 1], [0, 0]], label="a")], "x is not a coordinate"),
        ([feature([[500, 0], [501, 95], [502, 95], [500, 0]], label="a")], "CRS"),
        (["text"], "not a Feature"),
        (None, "not a FeatureCollection"),
    ],
)
def test_geojson_names_the_bad_feature(tmp_path: Path, features: Any, why: str) -> None:
    assert why in refused(geojson.read(write_json(tmp_path, {"type": "FeatureCollection", "features": features}), UTM))


def test_geojson_with_a_crs_that_is_none(tmp_path: Path) -> None:
    file = write_json(tmp_path, {"type": "FeatureCollection", "features": []})
    broken = geojson.Georeference("a.tif", "EPSG:0", UTM.transform)
    with pytest.raises(VedetteError) as caught:
        list(geojson.read(file, broken))
    assert caught.value.reason.code is Code.GEOREFERENCE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(value=json_values, key=st.sampled_from(["bbox", "segmentation", "image_id", "category_id"]))
def test_whatever_stands_in_a_coco_entry_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: Any, key: str
) -> None:
    file = write_json(tmp_path_factory.mktemp("coco"), coco_document(**{key: value}))
    read_or_refused(coco.read(file))


@settings(deadline=None, max_examples=60)
@given(value=json_values, key=st.sampled_from(["geometry", "properties", "coordinates"]))
def test_whatever_stands_in_a_feature_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: Any, key: str
) -> None:
    whole = feature(SQUARE, label="a")
    (whole["geometry"] if key == "coordinates" else whole)[key] = value
    file = write_json(tmp_path_factory.mktemp("geojson"), {"type": "FeatureCollection", "features": [whole]})
    read_or_refused(geojson.read(file, UTM))
