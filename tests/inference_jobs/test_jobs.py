"""The engine Job and the gate Job as processes, against a real store: what they leave for the operator, and their exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import shapely

from appliance.cli import main
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.reports import GateReport
from appliance.contracts.snapshot import ANNOTATIONS_FILE, MANIFEST_FILE
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot
from appliance.standalone.ports import free_ports
from appliance.vision.georeference import Georeference
from tests.conftest import StoreServer
from tests.inference import networks
from tests.servers import private_environment

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Site:
    store: ObjectStore
    environment: dict[str, str]
    folder: Path
    package: ModelPackage
    held: Snapshot

    @property
    def reference(self) -> dict[str, str]:
        manifest = self.package.manifest
        uri = f"s3://vedette/{keys.model_prefix(manifest.name, manifest.version)}".rstrip("/")
        return {"uri": uri, "digest": self.package.digest}

    def run(self, module: str, task: Mapping[str, object], **environment: str) -> tuple[int, str]:
        """The exit code and the termination message."""
        message = self.folder / "message"
        message.unlink(missing_ok=True)
        told = {
            "VEDETTE_TASK": json.dumps(dict(task)),
            "VEDETTE_WORK_FOLDER": str(self.folder / "work"),
            "VEDETTE_TERMINATION_LOG": str(message),
        }
        command = [sys.executable, "-m", f"appliance.inference.{module}"]
        ended = subprocess.run(
            command, env=self.environment | told | environment, capture_output=True, text=True, timeout=150, check=False
        )
        assert message.is_file(), ended.stderr
        assert len(message.read_bytes()) <= 4096
        return ended.returncode, message.read_text()

    def gate(self, metric: str, **limits: float) -> dict[str, object]:
        return {"snapshot": self.held.digest, "metric": metric, **limits}

    def gates(self, *gates: dict[str, object], **task: object) -> dict[str, object]:
        return {
            "package": self.reference,
            "gates": list(gates),
            "backend": "onnxruntime",
            "precision": "fp16",
            **task,
        }


@pytest.fixture
def site(object_store: StoreServer, tmp_path: Path) -> Site:
    store = ObjectStore(object_store.settings)
    store.ensure_bucket()
    package = networks.write_package(tmp_path / "package", name="gated")
    held = networks.write_snapshot(tmp_path / "snapshot", 5)
    for name in model_package.files_of(package.manifest):
        place = keys.model_prefix(package.manifest.name, package.manifest.version) + name
        store.put_file(place, package.folder / name, "application/octet-stream")
    for name in (MANIFEST_FILE, ANNOTATIONS_FILE):
        store.put_file(keys.snapshot_prefix(held.digest) + name, held.folder / name, "application/json")
    for item in held.manifest.items:
        store.put_file(keys.scene(item.item_id), held.scene_path(item.item_id), "image/tiff")
    return Site(store, private_environment() | object_store.environment, tmp_path, package, held)


def test_gates_say_what_evaluate_says(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    metrics = ("f1", "precision", "recall", "ap", "ap50")
    task = site.gates(
        *(site.gate(metric, minimum=0.5, maxRegression=0.1) for metric in metrics),
        serving={"threshold": 0.995},
        baseline=site.reference,
    )
    code, said = site.run("gates", task)
    assert code == 0, said
    report = GateReport.model_validate_json(said)

    def figures(*extra: str) -> list[float]:
        asked = ["evaluate", "-d", str(site.package.folder), "--snapshot", str(site.held.folder), "--json"]
        capfd.readouterr()
        assert main.run([*asked, "--backend", "onnxruntime", *extra]) == 0
        told = json.loads(capfd.readouterr().out)["figures"]
        return [told[{"ap": "ap", "ap50": "ap50"}.get(metric, f"{metric}@0.5")] for metric in metrics]

    assert [each.value for each in report.measures] == figures("--threshold", "0.995")
    assert [each.baseline for each in report.measures] == figures()
    assert report.measures[2].value != report.measures[2].baseline, "the threshold made no difference"


def test_what_lies_outside_the_geofence_is_neither_found_nor_missed(site: Site) -> None:
    [item] = site.held.manifest.items
    half = Georeference.of("EPSG:32617", item.transform, "scene").lonlat
    middle = item.width / 2
    corners = half(np.array([[0.0, 0], [middle, 0], [middle, item.height], [0, item.height]]))
    area = {"geometry": shapely.geometry.mapping(shapely.Polygon(corners)), "mode": "exclude"}
    gates = [site.gate("recall", minimum=0.5), site.gate("precision", minimum=0.5)]
    code, said = site.run("gates", site.gates(*gates, serving={"area": area}))
    assert code == 0, said
    assert [each.value for each in GateReport.model_validate_json(said).measures] == [1.0, 1.0]


def test_a_snapshot_that_is_missing_or_was_changed_is_said_in_a_sentence(site: Site) -> None:
    missing = {"snapshot": "sha256:" + "0" * 64, "metric": "f1", "minimum": 0.5}
    assert site.run("gates", site.gates(missing)) == (
        64,
        f"The store does not hold manifest.json of the snapshot {missing['snapshot']}. "
        "Name a snapshot of `vedette dataset snapshot`.",
    )
    [item] = site.held.manifest.items
    site.store.put_bytes(keys.scene(item.item_id), b"another", "image/tiff")
    code, said = site.run("gates", site.gates(site.gate("f1", minimum=0.5)))
    assert (code, said.split(".tif")[1]) == (
        64,
        " in the store is not the one that the snapshot holds. Make the snapshot again.",
    )


def test_an_engine_job_says_what_will_run(site: Site) -> None:
    task = {"package": site.reference, "backend": "auto", "precision": "int8", "batch_tiles": 4}
    code, said = site.run("engine", task, XDG_CACHE_HOME=str(site.folder / "cache"))
    assert code == 0, said
    status = EngineStatus.model_validate_json(said)
    assert status.precision == "fp32", "the package has no other"
    assert status.backend in {"onnxruntime", "openvino"}
    assert status.gpu is None
    assert status.key.startswith(f"gated {site.package.manifest.version} {site.package.digest[7:19]}, fp32, ")


def test_an_engine_that_cannot_be_is_refused_and_an_outage_is_for_later(site: Site) -> None:
    task = {"package": site.reference, "backend": "tensorrt", "precision": "fp16"}
    code, said = site.run("engine", task)
    assert code == 64
    assert said.startswith("The backend tensorrt cannot run here: ")
    code, said = site.run(
        "engine",
        {
            "package": site.reference | {"digest": "sha256:" + "1" * 64},
            **{k: v for k, v in task.items() if k != "package"},
        },
    )
    assert code == 64
    assert "has digest" in said
    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, said = site.run("engine", task, VEDETTE_STORE_ENDPOINT=away, VEDETTE_WORK_FOLDER=str(site.folder / "other"))
    assert code == 75
    assert said.startswith("The object store does not answer")
    assert site.run("engine", {})[0] == 64
