"""A better model is promoted by its gates; a worse one is rolled back by itself, and `kubectl describe` says why (shown 2)."""

from __future__ import annotations

import yaml

from tests.cluster_appliance import detectors
from tests.cluster_appliance.conftest import Scene
from tests.cluster_appliance.installation import Installation


def test_a_better_model_is_promoted_by_its_gates(
    vedette: Installation, scene: Scene, digests: dict[str, str], detector: str
) -> None:
    vedette.apply(yaml.safe_dump(detectors.gated("1.1.0", digests["1.1.0"], scene.near, strategy="Recreate")))
    vedette.wait_for("promotion of 1.1.0", lambda: _version(vedette) == "1.1.0", 240)
    status = vedette.get("det", detector)["status"]
    assert status["previousVersion"] == "1.0.0"
    vedette.wait("det", detector, "Ready")
    assert "takes all runs" in vedette.kubectl("describe", "det", detector)


def test_a_worse_model_is_rolled_back_and_says_which_metric_on_which_snapshot(
    vedette: Installation, scene: Scene, digests: dict[str, str], detector: str
) -> None:
    vedette.apply(yaml.safe_dump(detectors.gated("1.2.0", digests["1.2.0"], scene.near)))
    vedette.wait_for(
        "refusal of 1.2.0", lambda: vedette.condition("det", detector, "Degraded").get("reason") == "GateFailed", 240
    )
    described = " ".join(vedette.kubectl("describe", "det", detector).split())
    assert f"f1 is 0.1497 on snapshot {scene.near}" in described
    assert "1.0.0 serves on" in described
    assert _version(vedette) == "1.0.0"
    assert vedette.condition("det", detector, "Ready")["status"] == "True"
    deployments = vedette.get("deploy", "-l", f"vedette.io/detector={detector}")["items"]
    assert len(deployments) == 1, "the rejected version never had a pod"


def test_a_canary_gets_its_part_of_the_runs_before_all(
    vedette: Installation, scene: Scene, digests: dict[str, str], detector: str
) -> None:
    document = detectors.gated("1.1.0", digests["1.1.0"], scene.near, strategy="Canary", canaryPercent=50)
    vedette.apply(yaml.safe_dump(document))
    vedette.wait_for("a canary with traffic", lambda: _canary(vedette).get("percent") == 50, 240)
    assert _version(vedette) == "1.0.0"
    vedette.wait_for("promotion of 1.1.0", lambda: _version(vedette) == "1.1.0", 240)


def _version(vedette: Installation) -> str | None:
    return vedette.get("det", "tree-crowns").get("status", {}).get("currentVersion")


def _canary(vedette: Installation) -> dict[str, object]:
    return vedette.get("det", "tree-crowns").get("status", {}).get("canary", {})
