"""A TrainingJob trains on snapshots of this cluster, resumes after its pod was lost, and hands its model to the detector (shown 2)."""

from __future__ import annotations

from typing import Any

import yaml

from tests.cluster_appliance import detectors
from tests.cluster_appliance.conftest import Scene
from tests.cluster_appliance.healing import healing
from tests.cluster_appliance.installation import Installation


def _job(scene: Scene, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": "tree-crowns-yell"},
        "spec": {
            "dataset": {"train": scene.train, "validation": scene.validation, "test": scene.far},
            "from": {"storageUri": "s3://vedette/models/tree-crowns/1.0.0"},
            "configuration": {
                "inline": {
                    "licence": "MIT",
                    "gsd_metres": {"minimum": 0.07, "nominal": 0.1, "maximum": 0.15},
                    "tile_size": 512,
                    "halo": 40,
                    "epochs": 15,
                    "steps_per_epoch": 6,
                    "batch_size": 2,
                    "crop_size": 320,
                    "learning_rate": 0.0001,
                    "validate_every": 5,
                    "threads": 1,
                }
            },
            "goal": {"metric": "f1", "minimum": 0.4},
            "resourcesPerNode": {"limits": {"nvidia.com/gpu": 1, "memory": "4Gi"}, "requests": {"cpu": "100m"}},
            "checkpoint": {"everySeconds": 10},
            "publish": {"model": "tree-crowns", "version": "1.5.0", "detectorRef": {"name": "tree-crowns"}},
            **spec,
        },
    }


def test_a_training_is_complete_and_its_model_is_handed_over(
    vedette: Installation, scene: Scene, digests: dict[str, str], detector: str
) -> None:
    gated = detectors.gated("1.0.0", digests["1.0.0"], scene.near, strategy="Recreate")
    gated["spec"]["rollout"]["gates"][0]["maxRegression"] = 0.3
    vedette.apply(yaml.safe_dump(gated))
    vedette.apply(yaml.safe_dump(_job(scene)))
    vedette.wait_for("training", lambda: _status(vedette).get("state") == "Running", 180)
    vedette.wait_for(
        "progress", lambda: _status(vedette).get("trainerStatus", {}).get("progressPercentage", 0) > 0, 240
    )
    lost = vedette.get("pods", "-l", "vedette.io/trainingjob=tree-crowns-yell")["items"][0]["metadata"]["name"]
    vedette.kubectl("delete", "pod", lost, "--grace-period=0", "--force")
    with healing("pod of a trainer lost: until another goes on at its checkpoint"):
        vedette.wait_for("another pod", lambda: _goes_on(vedette, lost), 180)
    vedette.wait("tj", "tree-crowns-yell", "Complete", 600)
    status = _status(vedette)
    assert status["modelPackage"]["storageUri"] == "s3://vedette/models/tree-crowns/1.5.0"
    assert status["verdict"]["goalMet"] is True
    assert status["trainerStatus"]["progressPercentage"] == 100
    vedette.wait_for(
        "promotion of what was trained",
        lambda: vedette.get("det", detector)["status"].get("currentVersion") == "1.5.0",
        300,
    )


def _goes_on(vedette: Installation, lost: str) -> bool:
    """Another pod says that it begins at a step which the lost one had reached."""
    pods = vedette.get("pods", "-l", "vedette.io/trainingjob=tree-crowns-yell")["items"]
    others = [each["metadata"]["name"] for each in pods if each["metadata"]["name"] != lost]
    return any("resum" in vedette.kubectl("logs", name) for name in others)


def _status(vedette: Installation) -> dict[str, Any]:
    return vedette.get("tj", "tree-crowns-yell").get("status", {})
