"""A scene pushed with the command line comes back as detections, through pods on the GPU node (issue 6, shown 1)."""

from __future__ import annotations

import pytest
import yaml

from tests.cluster.kubectl import KubectlError
from tests.cluster_appliance import detectors
from tests.cluster_appliance.conftest import FAR, Scene
from tests.cluster_appliance.document import Reader
from tests.cluster_appliance.installation import EXAMPLES, Installation


def test_the_documents_first_detector_serves(vedette: Installation, reader: Reader) -> None:
    """Its commands, from top to bottom, up to a detector that found something."""
    said = reader.do("A first detector")
    assert "273 detections" in said
    assert "gpu" not in said or "Ready" in said


def test_the_documents_new_version_takes_over_and_goes_back(vedette: Installation, reader: Reader) -> None:
    reader.do("A new version")
    assert vedette.get("det", "tree-crowns")["status"]["previousVersion"] == "1.1.0"


def test_every_pod_is_ready(vedette: Installation) -> None:
    pods = vedette.get("pods", "-l", "app.kubernetes.io/instance=vedette")["items"]
    assert {pod["status"]["phase"] for pod in pods} <= {"Running", "Succeeded"}


def test_there_is_no_way_out(vedette: Installation) -> None:
    """Not by the network policies alone: pods have no route."""
    reach = "import socket; socket.create_connection(('192.0.2.1', 443), 5)"
    with pytest.raises(KubectlError, match="unreachable"):
        vedette.kubectl("exec", "deploy/vedette-api", "--", "/opt/vedette/bin/python", "-c", reach)


def test_a_scene_becomes_detections_on_the_gpu_node(
    vedette: Installation, scene: Scene, digests: dict[str, str]
) -> None:
    """From none to one pod and back to none."""
    document = detectors.serving(
        "1.0.0",
        digests["1.0.0"],
        subscribe=[{"dataset": "survey"}],
        scaling={"minReplicas": 0, "maxReplicas": 1, "scaleDownAfterSeconds": 5},
    )
    vedette.kubectl("delete", "det", "tree-crowns", "--ignore-not-found", "--timeout=30s")
    vedette.apply(yaml.safe_dump(document))
    vedette.wait("det", "tree-crowns", "Ready")
    vedette.wait_for("both runs", lambda: len(_succeeded(vedette)) == 2, 240)
    run = next(each for each in _succeeded(vedette) if each["item_name"] == f"{FAR}.png")
    assert run["summary"]["detections"] == 273
    pods = vedette.get("pods", "-l", "vedette.io/detector=tree-crowns")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} <= {"gpu"}
    vedette.wait_for("no pod while nothing waits", lambda: _desired(vedette) == 0, 120)
    assert vedette.condition("det", "tree-crowns", "Ready")["reason"] == "Idle"


def test_the_example_of_the_documentation_is_that_of_the_demo(digests: dict[str, str]) -> None:
    written = yaml.safe_load((EXAMPLES / "detector.yaml").read_text())
    assert written["spec"]["model"]["digest"] == digests["1.0.0"]


def _succeeded(vedette: Installation) -> list[dict[str, object]]:
    return [run for run in vedette.vedette_json("run", "list") if run["state"] == "succeeded"]


def _desired(vedette: Installation) -> int:
    return vedette.get("det", "tree-crowns")["status"]["replicas"]["desired"]
