"""Standalone mode takes the examples, and refuses what the API server refuses, in the same words."""

from __future__ import annotations

import pytest
import yaml

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources import validate
from appliance.contracts.resources.objects import DetectorResource
from tests.contracts.wrong import CHANGES, EXAMPLES, WRONG, Wrong, example

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_taken(name: str) -> None:
    read = validate.parse((EXAMPLES / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml")
    assert read.metadata.name == example(name)["metadata"]["name"]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_fault_is_refused_with_field_and_remedy(wrong: Wrong) -> None:
    with pytest.raises(VedetteError) as refused:
        validate.parse(yaml.safe_dump(wrong.document), "detector.yaml")
    said = refused.value.reason.message
    assert refused.value.reason.code is Code.INVALID
    assert said.startswith("detector.yaml: ")
    assert wrong.where in said
    assert wrong.says in said


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_must_stay_cannot_be_changed(change: Wrong) -> None:
    old = validate.resource(example(change.example), "old")
    with pytest.raises(VedetteError) as refused:
        validate.replaced(old, validate.resource(change.document, "new"))
    assert refused.value.reason.code is Code.CONFLICT
    assert refused.value.reason.message.startswith(f"{change.where}: {change.says}")


def test_applying_the_same_twice_changes_nothing() -> None:
    for name in NAMES:
        read = validate.resource(example(name), name)
        validate.replaced(read, read)


def test_a_name_of_python_is_no_name_of_yaml() -> None:
    document = example("detector")
    document["spec"]["model"]["storage_uri"] = document["spec"]["model"].pop("storageUri")
    with pytest.raises(VedetteError, match=r"spec.model.storage_uri: unknown field"):
        validate.resource(document, "detector.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "neither a Detector nor a TrainingJob"),
        ("[1, 2]", "neither a Detector nor a TrainingJob"),
        ("kind: Pod", "neither a Detector nor a TrainingJob"),
        ("kind: {a: b}", "neither a Detector nor a TrainingJob"),
        ("a: [", "is not one YAML document"),
        ("kind: Detector\n---\nkind: Detector", "is not one YAML document"),
        ("a: 2026-99-99", "is not one YAML document"),
        ("a: " + "[" * 5000, "is not one YAML document"),
        ("kind: Detector\nspec: &a [*a]", "refers to itself"),
        ("x" * (validate.LIMIT_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_what_is_no_resource_gets_a_sentence(text: str, says: str) -> None:
    with pytest.raises(VedetteError, match=says):
        validate.parse(text, "x.yaml")


def test_a_few_aliases_do_not_fill_the_memory() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(VedetteError, match="too large"):
        validate.parse("kind: Detector\n" + "\n".join(levels), "x.yaml")


def test_fields_that_need_a_cluster_are_told() -> None:
    full, least = (validate.resource(example(name), name) for name in ("detector-full", "detector"))
    assert isinstance(full, DetectorResource)
    assert isinstance(least, DetectorResource)
    assert validate.needs_a_cluster(least) == []
    assert {"spec.nodeSelector", "spec.geofence", "spec.rollout.gates"} <= set(validate.needs_a_cluster(full))
