"""What is written for containerd, what is written for the chart, and what is said when something is missing."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from appliance.contracts.errors import VedetteError
from images import archive, report
from images.build import Builder, Built
from images.catalogue import Image
from images.layers import Recipe
from images.oci import Run
from images.store import Store


def _recipe(name: str) -> Recipe:
    def fill(stage: Path) -> None:
        (stage / name).write_text(name)

    return Recipe(name, name, fill)


@pytest.fixture
def built(tmp_path: Path) -> list[Built]:
    base = _recipe("base")
    with Builder(Store(tmp_path), 7, lambda _: None) as builder:
        return [builder.image(Image(name, (base, _recipe(name)), Run((name,))), "1.0") for name in ("api", "media")]


def _read(store: Store, built: list[Built]) -> dict[str, bytes]:
    target = io.BytesIO()
    archive.write(store, [(image.repository, image.tag, image.manifest.digest) for image in built], target)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        entries = [(entry.name, tar.extractfile(entry)) for entry in tar]
        assert len({name for name, _ in entries}) == len(entries), "a shared blob is there once"
        return {name: content.read() for name, content in entries if content}


def test_each_image_is_named_by_tag_and_by_digest(tmp_path: Path, built: list[Built]) -> None:
    index = json.loads(_read(Store(tmp_path), built)["index.json"])
    names = [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]]
    assert names == [
        "vedette.io/api:1.0",
        f"vedette.io/api@{built[0].manifest.digest}",
        "vedette.io/media:1.0",
        f"vedette.io/media@{built[1].manifest.digest}",
    ]


def test_an_archive_holds_all_that_its_manifests_name(tmp_path: Path, built: list[Built]) -> None:
    files = _read(Store(tmp_path), built)
    for image in built:
        manifest = json.loads(files["blobs/sha256/" + image.manifest.digest.split(":")[1]])
        for part in (manifest["config"], *manifest["layers"]):
            assert len(files["blobs/sha256/" + part["digest"].split(":")[1]]) == part["size"]
        config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"].split(":")[1]])
        assert config["config"]["User"] == "10001:10001"
        assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]


def test_a_part_that_is_gone_is_named(tmp_path: Path, built: list[Built]) -> None:
    Store(tmp_path).path(built[0].layers[1][1].digest).unlink()
    with pytest.raises(VedetteError, match="make images"):
        _read(Store(tmp_path), built)


def test_values_of_a_part_leave_the_others_as_they_are(tmp_path: Path, built: list[Built]) -> None:
    path = tmp_path / "values.yaml"
    report.write(path, built)
    report.write(path, built[:1])
    assert report.read(path, (), "1.0") == [(i.repository, "1.0", i.manifest.digest) for i in built]


def test_a_name_that_is_none_is_refused_with_those_that_are(tmp_path: Path, built: list[Built]) -> None:
    with pytest.raises(VedetteError, match="no image web; there are: none yet"):
        report.read(tmp_path / "values.yaml", ["web"], "1.0")
    with pytest.raises(VedetteError, match="no image web; there are: api"):
        report.choose([Image("api", (), Run(()))], ["web"])


def test_the_table_counts_shared_layers_once(built: list[Built]) -> None:
    lines = report.table(built).splitlines()
    assert [line.split()[0] for line in lines] == ["image", "api", "media", "on"]
    assert lines[-1].endswith("3 layers")
