"""What `vedette detector apply -f` decides without a server: what a file says, what is served, what cannot be done here."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.cli.detector import declare, resource_file
from appliance.cli.detector.notes import notes
from appliance.cli.detector.resource_file import Declared
from appliance.contracts.base import now
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources import validate
from appliance.contracts.resources.base import Resource
from tests import blobs
from tests.contracts.wrong import EXAMPLES, WRONG, Wrong, changed, example

LEAST = example("detector")
FULL = example("detector-full")


def declared(document: dict[str, Any]) -> Declared:
    return resource_file.declared(yaml.safe_dump(document), "detector.yaml")


def of_folder(folder: Path, uri: str | None = None) -> dict[str, Any]:
    return changed(LEAST, {"spec/model/storageUri": uri or folder.as_uri(), "metadata/name": "blobs"})


def refused(call: Callable[[], object]) -> VedetteError:
    with pytest.raises(VedetteError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("wrong", [each for each in WRONG if each.example != "trainingjob"], ids=str)
def test_a_fault_is_refused_in_the_words_of_the_api_server(wrong: Wrong) -> None:
    error = refused(lambda: declared(wrong.document))
    assert error.reason.code is Code.INVALID
    assert wrong.where in error.reason.message
    assert wrong.says in error.reason.message


def test_several_documents_are_refused() -> None:
    text = (EXAMPLES / "detector.yaml").read_text("utf-8")
    error = refused(lambda: resource_file.declared(f"{text}---\n{text}", "two.yaml"))
    assert error.reason.message == "two.yaml is not one YAML document."


def test_a_training_job_is_refused_with_what_to_use() -> None:
    error = refused(lambda: declared(example("trainingjob")))
    assert error.reason.message == "detector.yaml is a TrainingJob, which needs a cluster."
    assert "`vedette train -f`" in error.reason.remedy


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (EXAMPLES / "detector.yaml").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert resource_file.read(Path("-")).detector.metadata.name == "tree-crowns"


def test_what_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "detector.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "is not text in UTF-8" in str(refused(lambda: resource_file.read(file)))
    file.write_bytes(b"x" * (validate.LIMIT_BYTES + 9))
    assert "larger than 1 MiB" in str(refused(lambda: resource_file.read(file)))
    assert "cannot be read: Is a directory" in str(refused(lambda: resource_file.read(tmp_path)))


def test_a_folder_stands_for_its_place_in_the_store(tmp_path: Path) -> None:
    folder = tmp_path / "my package"
    package = blobs.write_package(folder, version="1.2.0")
    found = declared(of_folder(folder))
    assert found.folder == package.folder
    assert found.detector.spec.model.storage_uri == "s3://vedette/models/blobs/1.2.0"
    assert declared(LEAST).folder is None


@pytest.mark.parametrize("uri", ["file://host/srv/p", "file:p", "file://", "file:///p?x", "file:///p%00q"])
def test_an_address_of_no_folder_here_is_refused(uri: str, tmp_path: Path) -> None:
    error = refused(lambda: declared(of_folder(tmp_path, uri)))
    assert error.reason.message.startswith("detector.yaml: spec.model.storageUri: ")
    assert "file:///" in error.reason.remedy


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    assert refused(lambda: declared(of_folder(tmp_path))).reason.code is Code.MODEL_PACKAGE


def served(package: Any, subscribe: list[str], version: str = "1.0.0", name: str = "tree-crowns") -> Detector:
    manifest = package.manifest.model_copy(update={"name": name, "version": version})
    digest = LEAST["spec"]["model"]["digest"]
    return Detector(name=name, version=version, digest=digest, manifest=manifest, subscribe=subscribe, created_at=now())


def test_the_version_meant_is_the_one_with_that_digest(tmp_path: Path) -> None:
    package = blobs.write_package(tmp_path / "package")
    model = declared(LEAST).detector.spec.model
    this, older = served(package, []), served(package, [], "0.9.0")
    assert declare.chosen([older, this], model, "x.yaml") is this
    assert declare.chosen([older], model, "x.yaml") is None
    other = this.model_copy(update={"digest": f"sha256:{'0' * 64}"})
    error = refused(lambda: declare.chosen([older, other], model, "x.yaml"))
    assert error.reason.code is Code.DIGEST
    assert model.digest in error.reason.message
    assert other.digest in error.reason.message


def test_nothing_changes_only_where_just_this_version_has_just_these_subscriptions(tmp_path: Path) -> None:
    package = blobs.write_package(tmp_path / "package")
    this, older = served(package, ["a", "b"]), served(package, ["a"], "1.3.0")
    stranger = served(package, ["a"], name="boats")
    assert declare.subscribed([this, stranger], this, ["b", "a"])
    assert not declare.subscribed([this, stranger], this, ["a"])
    assert not declare.subscribed([this, older], this, ["a", "b"])


def test_a_suspended_detector_has_no_subscriptions() -> None:
    assert declare.subscriptions(declared(FULL).detector.spec) == ["port-survey"]
    suspended = declared(changed(FULL, {"spec/suspend": True})).detector
    assert declare.subscriptions(suspended.spec) == []
    assert any(note.startswith("spec.suspend: ") for note in notes(suspended))


def test_the_least_detector_is_honoured_whole() -> None:
    assert notes(declared(LEAST).detector) == []
    point = declared(changed(LEAST, {"spec/runningPoint": {"from": "package"}})).detector
    recreate = declared(changed(LEAST, {"spec/rollout": {"strategy": "Recreate"}})).detector
    assert notes(point) == notes(recreate) == []


HONOURED = {"spec.model", "spec.subscribe[0].dataset", "spec.suspend", "metadata.name"}
WHOLE = {"spec.runtime.batching", "spec.runningPoint", "spec.geofence", "spec.scaling", "spec.resources"}


def fields(value: object, where: str = "") -> list[str]:
    """The fields that a resource gives, down to those that a note is about as a whole."""
    if where in WHOLE | HONOURED or not isinstance(value, Resource):
        return [where]
    found = []
    for name in value.model_fields_set:
        one, path = getattr(value, name), f"{where}.{type(value).model_fields[name].alias or name}".strip(".")
        if isinstance(one, list) and one and path == "spec.subscribe":
            found += [field for index, each in enumerate(one) for field in fields(each, f"{path}[{index}]")]
        else:
            found += fields(one, path)
    return found


def test_every_field_given_is_honoured_or_gets_one_note() -> None:
    full = declared(FULL).detector
    said = notes(full)
    told = {note.removeprefix("needs a cluster: ").split(";")[0].rstrip(".") for note in said}
    given = set(fields(full)) - HONOURED - {"apiVersion", "kind"}
    # `inline` is told as one; its steps are not.
    given = {field if not field.startswith("spec.recipe.inline") else "spec.recipe.inline" for field in given}
    assert told == given
    assert len(said) == len(told)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metadata/namespace": "vision"}, "metadata.namespace"),
        ({"spec/rollout": {"retry": 1}}, "spec.rollout.retry"),
        ({"spec/recipe": {"configMapRef": {"name": "steps"}}}, "spec.recipe.configMapRef"),
        ({"spec/runningPoint": {"threshold": 0.2}}, "spec.runningPoint"),
    ],
)
def test_what_the_example_lacks_gets_a_note_too(changes: dict[str, Any], field: str) -> None:
    [note] = notes(declared(changed(LEAST, changes)).detector)
    assert note.startswith(f"needs a cluster: {field}")
