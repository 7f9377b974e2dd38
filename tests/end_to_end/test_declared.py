"""`vedette detector apply -f` against the whole appliance: the YAML of a cluster, served without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import blobs
from tests.conftest import Stack
from tests.end_to_end.test_main_job import vedette

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


def write(file: Path, name: str, uri: str, digest: str, **spec: Any) -> str:
    document = {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "Detector",
        "metadata": {"name": name},
        "spec": {"model": {"storageUri": uri, "digest": digest}, **spec},
    }
    file.write_text(yaml.safe_dump(document))
    return str(file)


def test_a_detector_in_yaml_is_pushed_subscribed_and_left_alone(stack: Stack, tmp_path: Path) -> None:
    name = "declared"
    package = blobs.write_package(tmp_path / "package", name=name)
    scene = blobs.write_scene(tmp_path / "port.tif", 300, 300, blobs.centres(300, 300, 5))
    place = f"s3://vedette/models/{name}/1.0.0"
    subscribed = {"subscribe": [{"dataset": name, "where": "gsd_m <= 0.5"}], "scaling": {"maxReplicas": 2}}
    vedette(stack, "dataset", "create", name)

    by_place = write(tmp_path / "place.yaml", name, place, package.digest, **subscribed)
    missing = stack.vedette("detector", "apply", "-f", by_place)
    assert missing.returncode == 2
    assert f"the appliance has no model package {name} 1.0.0" in missing.stderr

    wrong = write(tmp_path / "wrong.yaml", name, package.folder.as_uri(), f"sha256:{'0' * 64}")
    other = stack.vedette("detector", "apply", "-f", wrong)
    assert other.returncode == 2
    assert f"has digest {package.digest}." in other.stderr
    assert name not in [each["name"] for each in vedette(stack, "detector", "list")], "nothing was pushed"

    by_folder = write(tmp_path / "folder.yaml", name, package.folder.as_uri(), package.digest, **subscribed)
    applied = vedette(stack, "detector", "apply", "-f", by_folder)
    assert applied["changed"]
    assert (applied["detector"]["digest"], applied["detector"]["subscribe"]) == (package.digest, [name])
    assert [note.split(";")[0].rstrip(".") for note in applied["notes"]] == [
        "needs a cluster: spec.subscribe[0].where",
        "needs a cluster: spec.scaling",
    ]
    again = stack.vedette("detector", "apply", "-f", by_place)
    assert again.returncode == 0
    assert again.stdout == f"Detector {name} 1.0.0 is served, subscribed to {name}: unchanged.\n"
    assert "needs a cluster: spec.scaling." in again.stderr
    assert vedette(stack, "detector", "apply", "-f", by_folder)["changed"] is False

    [pushed] = vedette(stack, "item", "push", str(scene), "--dataset", name, "--wait-runs")
    assert [run["state"] for run in pushed["runs"]] == ["succeeded"]


def test_a_suspended_detector_gets_no_runs_until_it_is_resumed(stack: Stack, tmp_path: Path) -> None:
    name = "suspended"
    package = blobs.write_package(tmp_path / "package", name=name)
    scene = blobs.write_scene(tmp_path / "port.tif", 300, 300, blobs.centres(300, 300, 5))
    vedette(stack, "dataset", "create", name)
    vedette(stack, "detector", "apply", str(package.folder), "--subscribe", name)
    said = {"subscribe": [{"dataset": name}], "suspend": True}
    uri = f"s3://vedette/models/{name}/1.0.0"
    halted = vedette(stack, "detector", "apply", "-f", write(tmp_path / "d.yaml", name, uri, package.digest, **said))
    assert (halted["changed"], halted["detector"]["subscribe"]) == (True, [])
    [pushed] = vedette(stack, "item", "push", str(scene), "--dataset", name, "--wait-runs")
    assert pushed["runs"] == []
    resumed = write(tmp_path / "d.yaml", name, uri, package.digest, **{**said, "suspend": False})
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", "detector", "apply", "-f", "-"],
        input=Path(resumed).read_text(),
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    [run] = vedette(stack, "run", "list", "--dataset", name)
    assert run["detector"] == name, "the item that is there already gets its run"
