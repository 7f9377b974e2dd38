"""crds/ is what the contracts say, and every schema in it is structural, bounded and described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.contracts.resources import crd, validate
from appliance.contracts.resources.objects import RESOURCES, DetectorResource
from appliance.contracts.resources.training_options import TrainingOptions
from appliance.training.configuration import TrainingConfiguration
from tests.contracts.wrong import example

CRDS = Path(__file__).parents[2] / "crds"
Node = tuple[str, dict[str, Any]]


def _nodes(schema: dict[str, Any], where: str = "") -> Iterator[Node]:
    yield where, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{where}.{name}")
    if "items" in schema:
        yield from _nodes(schema["items"], f"{where}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _nodes(schema["additionalProperties"], f"{where}{{}}")


def _schema(kind: str) -> dict[str, Any]:
    document = yaml.safe_load((CRDS / f"{kind}.vedette.io.yaml").read_text("utf-8"))
    schema: dict[str, Any] = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


NODES = [node for kind in ("detectors", "trainingjobs") for node in _nodes(_schema(kind))]


def test_the_files_are_what_the_contracts_say() -> None:
    assert {path.name for path in CRDS.iterdir()} == {crd.file_name(model) for model in RESOURCES}
    for model in RESOURCES:
        written = (CRDS / crd.file_name(model)).read_text("utf-8")
        assert written == crd.text(model), "run `make crds`"


def test_every_field_has_a_description() -> None:
    bare = [
        where
        for where, node in NODES
        if not where.endswith(("[]", "{}")) and where != ".metadata" and len(node.get("description", "")) < 5
    ]
    assert len(NODES) > 150
    assert bare == []


def test_nothing_is_unbounded() -> None:
    for where, node in NODES:
        if node.get("x-kubernetes-int-or-string") or where in (".apiVersion", ".kind", ".metadata"):
            continue
        if node["type"] == "string":
            assert "enum" in node or "maxLength" in node or node.get("format") == "date-time", where
        if node["type"] == "array":
            assert "maxItems" in node, where
            assert node["x-kubernetes-list-type"] in ("map", "atomic"), where
        if "additionalProperties" in node:
            assert "maxProperties" in node, where


def test_every_schema_is_structural() -> None:
    forbidden = {"$ref", "oneOf", "allOf", "not", "x-kubernetes-preserve-unknown-fields", "nullable", "title"}
    for where, node in NODES:
        assert not forbidden & node.keys(), where
        if node.get("x-kubernetes-int-or-string"):
            assert node["anyOf"] == [{"type": "integer"}, {"type": "string"}], where
        else:
            assert "anyOf" not in node, where
            assert node["type"] in ("object", "array", "string", "integer", "number", "boolean"), where


def test_an_either_or_has_no_default() -> None:
    """`kubectl apply` would keep the default beside what is given instead, and every change would be refused."""
    for where in ("recipe", "runningPoint"):
        node = _schema("detectors")["properties"]["spec"]["properties"][where]
        assert "default" not in node
        assert not any("default" in child for child in node["properties"].values())


def test_the_defaults_of_python_are_those_of_the_schema() -> None:
    spec = validate.resource(example("detector"), "detector").spec
    written = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, node in _schema("detectors")["properties"]["spec"]["properties"].items():
        if "default" in node:
            assert written[name] == _filled(node), name


def _filled(node: dict[str, Any]) -> Any:
    """What the API server puts in where nothing was given."""
    if "properties" not in node:
        return node["default"]
    return {name: _filled(child) for name, child in node["properties"].items() if "default" in child}


def test_training_options_are_those_of_the_trainer() -> None:
    """The same YAML is taken by both; the bounds of neither are wider than the other's but for open ends."""
    ours, theirs = TrainingOptions.model_fields, TrainingConfiguration.model_fields
    assert set(ours) == set(theirs) - {"name", "version"}
    inline = {"name": "x", "version": "1.0.0", **example("trainingjob")["spec"]["configuration"]["inline"]}
    TrainingConfiguration.model_validate(inline)


@pytest.mark.parametrize(
    "field", ["tile_size", "halo", "maximum_per_tile", "width", "epochs", "batch_size", "crop_size"]
)
def test_training_bounds_are_those_of_the_trainer(field: str) -> None:
    theirs = TrainingConfiguration.model_json_schema()["properties"][field]
    ours = _schema("trainingjobs")["properties"]["spec"]["properties"]["configuration"]["properties"]["inline"]
    for bound in ("minimum", "maximum", "multipleOf"):
        assert ours["properties"][field].get(bound) == theirs.get(bound)


def test_the_columns_and_names_are_those_of_the_conventions() -> None:
    names = [column.name for column in DetectorResource.KIND.columns if not column.priority]
    assert names == ["Ready", "Version", "Canary", "RunningPoint", "Engine", "Replicas", "Age"]
    job = RESOURCES[1].KIND
    assert [column.name for column in job.columns if not column.priority] == [
        "State",
        "Progress",
        "ETA",
        "Metric",
        "Age",
    ]
    assert (DetectorResource.KIND.short, job.short) == ("det", "tj")
