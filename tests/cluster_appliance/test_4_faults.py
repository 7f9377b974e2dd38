"""Everything that can break is broken, heals without a person, and the time is printed (issue 6, shown 3)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.kubectl import KubectlError
from tests.cluster_appliance import detectors
from tests.cluster_appliance.conftest import NEAR, Scene
from tests.cluster_appliance.healing import healing
from tests.cluster_appliance.installation import Installation

_MISSING = "sha256:" + "0" * 64


def test_a_worker_killed_in_mid_scene_loses_and_doubles_nothing(
    vedette: Installation, scene: Scene, detector: str, tmp_path: Path
) -> None:
    calm, item = _pushed(vedette, scene, tmp_path, "calm"), _pushed(vedette, scene, tmp_path, "killed")
    _look_at(vedette, detector, calm)
    vedette.vedette("run", "start", item, "--detector", detector, "--dataset", "faults")
    vedette.wait_for("the run in work", lambda: _run(vedette, item)["state"] == "running", 120)
    _kill_pod(vedette, f"vedette.io/detector={detector}")
    with healing("worker pod killed in mid-scene"):
        vedette.wait_for("the run's end", lambda: _run(vedette, item)["state"] == "succeeded", 240)
    found, expected = (_run(vedette, each)["summary"]["detections"] for each in (item, calm))
    assert found == expected > 800


def test_an_operator_killed_in_mid_rollout_goes_on(
    vedette: Installation, scene: Scene, digests: dict[str, str], detector: str
) -> None:
    vedette.apply(yaml.safe_dump(detectors.gated("1.1.0", digests["1.1.0"], scene.near, strategy="Recreate")))
    vedette.wait_for("a rollout", lambda: "canary" in vedette.get("det", detector)["status"], 60)
    _kill_pod(vedette, "app.kubernetes.io/component=operator")
    with healing("operator killed in mid-rollout"):
        vedette.wait_for("promotion", lambda: _version(vedette, detector) == "1.1.0", 240)


def test_of_two_operators_one_acts(vedette: Installation, detector: str) -> None:
    before = vedette.get("deploy", "vedette-operator")["spec"]["replicas"]
    vedette.kubectl("scale", "deploy/vedette-operator", "--replicas=2")
    vedette.kubectl("rollout", "status", "deploy/vedette-operator", "--timeout=120s", seconds=150)
    holder = vedette.get("lease", "vedette-operator")["spec"]["holderIdentity"]
    vedette.kubectl("delete", "pod", holder, "--grace-period=0", "--force")
    with healing("operator that acts killed beside a second one"):
        vedette.wait_for("another holder", lambda: _holder(vedette) not in (holder, "", None), 60)
        _reconciles(vedette, detector)
    vedette.kubectl("scale", "deploy/vedette-operator", f"--replicas={before}")


def test_a_node_that_is_gone_and_comes_back(vedette: Installation, detector: str) -> None:
    node = vedette.cluster.node("gpu")
    node.stop()
    with healing("node gone NotReady: noticed by the condition"):
        vedette.wait_for("Ready to fall", lambda: _ready(vedette, detector) == "False", 120)
    node.start()
    with healing("node gone NotReady: after it came back"):
        node.wait_ready()
        vedette.wait("det", detector, "Ready", 240)


def test_a_gpu_that_is_unwell_and_a_shortage_name_the_resource(vedette: Installation, detector: str) -> None:
    node = vedette.cluster.node("gpu")
    node.set_gpus(healthy=0)
    vedette.wait_for("no cards", lambda: node.allocatable("nvidia.com/gpu") == 0)
    _kill_pod(vedette, f"vedette.io/detector={detector}")
    try:
        with healing("GPU unhealthy: noticed, with the resource's name"):
            vedette.wait_for(
                "nvidia.com/gpu in the condition",
                lambda: "nvidia.com/gpu" in vedette.condition("det", detector, "Ready").get("message", ""),
                60,
            )
        assert vedette.condition("det", detector, "Ready")["reason"] == "InsufficientResources"
    finally:
        node.set_gpus(healthy=2)
    with healing("GPU well again"):
        vedette.wait("det", detector, "Ready", 120)


def test_nats_gone_for_a_minute(vedette: Installation, scene: Scene, detector: str, tmp_path: Path) -> None:
    item = _pushed(vedette, scene, tmp_path, "nats")
    vedette.kubectl("scale", "statefulset/vedette-nats", "--replicas=0")
    time.sleep(60)
    vedette.kubectl("scale", "statefulset/vedette-nats", "--replicas=1")
    with healing("NATS gone for 60 s"):
        vedette.wait("det", detector, "Ready", 180)
        _look_at(vedette, detector, item)


def test_postgresql_started_again(vedette: Installation, scene: Scene, detector: str, tmp_path: Path) -> None:
    item = _pushed(vedette, scene, tmp_path, "postgres")
    _kill_pod(vedette, "app.kubernetes.io/component=postgres")
    with healing("PostgreSQL restarted"):
        _look_at(vedette, detector, item)


def test_an_api_server_started_again(vedette: Installation, detector: str) -> None:
    vedette.cluster.kill("kube-apiserver")
    time.sleep(5)
    vedette.cluster.start("kube-apiserver")
    with healing("API server restarted"):
        vedette.wait_for("the API server", lambda: vedette.cluster.kubectl("get", "--raw", "/readyz") == "ok")
        _reconciles(vedette, detector)


@pytest.fixture(scope="module", autouse=True)
def _own_config_maps(vedette: Installation) -> Iterator[None]:
    """Those of a user, which no removal of ours takes along."""
    yield
    vedette.kubectl("delete", "configmap", "broken", "harbour", "--ignore-not-found")


@pytest.mark.parametrize(
    ("what", "change", "reason"),
    [
        ("unknown package", {"spec/model/storageUri": "s3://vedette/models/tree-crowns/9.9.9"}, "PackageMissing"),
        ("digest that is wrong", {"spec/model/digest": _MISSING}, "DigestMismatch"),
        (
            "snapshot that is missing",
            {"spec/rollout/gates": [{"snapshot": _MISSING, "metric": "f1", "minimum": 0.5}]},
            "SnapshotMissing",
        ),
        (
            "recipe that is missing",
            {"spec/recipe": {"configMapRef": {"name": "none", "key": "recipe.yaml"}}},
            "RecipeMissing",
        ),
        (
            "recipe with an unknown step",
            {"spec/recipe": {"inline": {"before": [{"step": "sharpen"}]}}},
            "RecipeInvalid",
        ),
        (
            "geofence that is no GeoJSON",
            {"spec/geofence": {"configMapRef": {"name": "broken", "key": "area.geojson"}}},
            "GeofenceInvalid",
        ),
        (
            "condition of items that is none",
            {"spec/subscribe": [{"dataset": "survey", "where": "gsd_m <"}]},
            "WhereInvalid",
        ),
    ],
)
def test_what_cannot_work_is_one_condition_within_5_seconds_and_the_last_good_version_serves_on(
    vedette: Installation, digests: dict[str, str], detector: str, what: str, change: dict[str, Any], reason: str
) -> None:
    vedette.apply(yaml.safe_dump(_config_map("broken", {"area.geojson": "not json"})))
    document = detectors.serving("1.1.0", digests["1.1.0"])
    for path, value in change.items():
        *above, last = path.split("/")
        target = document
        for part in above:
            target = target.setdefault(part, {})
        target[last] = value
    vedette.apply(yaml.safe_dump(document))
    with healing(f"{what}: named by a condition"):
        vedette.wait_for(reason, lambda: vedette.condition("det", detector, "Degraded").get("reason") == reason, 15)
    assert _version(vedette, detector) == "1.0.0"
    assert _ready(vedette, detector) == "True"
    vedette.apply(yaml.safe_dump(detectors.serving("1.0.0", digests["1.0.0"])))


def test_a_config_map_that_is_deleted_and_comes_back(
    vedette: Installation, digests: dict[str, str], detector: str
) -> None:
    area = '{"type": "Polygon", "coordinates": [[[-180,-85],[180,-85],[180,85],[-180,85],[-180,-85]]]}'
    fence = {"configMapRef": {"name": "harbour", "key": "area.geojson"}}
    vedette.apply(yaml.safe_dump(_config_map("harbour", {"area.geojson": area})))
    vedette.apply(yaml.safe_dump(detectors.serving("1.0.0", digests["1.0.0"], geofence=fence)))
    vedette.wait_for(
        "the new pods", lambda: _degraded(vedette, detector) == "False" and _ready(vedette, detector) == "True", 120
    )
    vedette.kubectl("delete", "configmap", "harbour")
    vedette.wait_for("the condition", lambda: _degraded(vedette, detector) == "True", 15)
    assert _ready(vedette, detector) == "True", "pods that run go on with what they have"
    vedette.apply(yaml.safe_dump(_config_map("harbour", {"area.geojson": area})))
    with healing("ConfigMap deleted"):
        # Its pods come anew, and those before keep their cards until they have ended in order.
        vedette.wait_for("the condition to go", lambda: _degraded(vedette, detector) == "False", 240)


def test_an_image_that_is_missing_is_named(vedette: Installation, detector: str) -> None:
    deployment = vedette.get("deploy", "-l", f"vedette.io/detector={detector}")["items"][0]["metadata"]["name"]
    image = vedette.get("deploy", deployment)["spec"]["template"]["spec"]["containers"][0]["image"]
    node = vedette.cluster.node("gpu")
    names = node.run("ctr", "-a", "/run/containerd/containerd.sock", "-n", "k8s.io", "images", "ls", "-q").stdout
    assert image in names
    node.run("ctr", "-a", "/run/containerd/containerd.sock", "-n", "k8s.io", "images", "rm", *_same(names, image))
    _kill_pod(vedette, f"vedette.io/detector={detector}")
    try:
        with healing("image missing: named by the condition"):
            vedette.wait_for(
                "ImageMissing", lambda: vedette.condition("det", detector, "Ready").get("reason") == "ImageMissing", 60
            )
    finally:
        from tests.cluster_appliance import images

        images.load_workers(vedette.cluster)
    with healing("image imported again"):
        vedette.wait("det", detector, "Ready", 420)


def _same(names: str, image: str) -> list[str]:
    repository = image.partition("@")[0]
    return [name for name in names.split() if name.startswith(repository)]


def test_delete_ends_within_30_seconds_whatever_is_broken(vedette: Installation, detector: str) -> None:
    node = vedette.cluster.node("gpu")
    node.stop()
    try:
        began = time.monotonic()
        vedette.kubectl("delete", "det", detector, "--timeout=30s", seconds=45)
        assert time.monotonic() - began < 30
        with pytest.raises(KubectlError, match="not found"):
            vedette.get("det", detector)
    finally:
        node.start()
        node.wait_ready()


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _pushed(vedette: Installation, scene: Scene, folder: Path, name: str) -> str:
    """The name of an item in the dataset `faults` that no run has looked at: the scene with another name and tail."""
    if "faults" not in vedette.vedette("dataset", "list"):
        vedette.vedette("dataset", "create", "faults", "--title", "Faults")
    copy = folder / f"{name}.png"
    shutil.copyfile(scene.folder / f"{NEAR}.png", copy)
    with copy.open("ab") as stream:  # after the image's end: another content for the same pixels
        stream.write(name.encode())
    vedette.vedette("item", "push", str(copy), "--dataset", "faults", "--wait")
    return copy.name


def _look_at(vedette: Installation, detector: str, item: str) -> None:
    def succeeded() -> bool:
        try:
            vedette.vedette("run", "start", item, "--detector", detector, "--dataset", "faults")
            return bool(_run(vedette, item)["state"] == "succeeded")
        except Exception:
            return False  # what is needed for it is away

    vedette.wait_for(f"detections on {item}", succeeded, 240)


def _run(vedette: Installation, item: str) -> dict[str, Any]:
    found = [run for run in vedette.vedette_json("run", "list", "--dataset", "faults") if run["item_name"] == item]
    return found[0] if found else {"state": "none"}


def _kill_pod(vedette: Installation, selector: str) -> None:
    vedette.kubectl("delete", "pod", "-l", selector, "--grace-period=0", "--force")


def _version(vedette: Installation, detector: str) -> str | None:
    return vedette.get("det", detector)["status"].get("currentVersion")


def _ready(vedette: Installation, detector: str) -> str | None:
    return vedette.condition("det", detector, "Ready").get("status")


def _degraded(vedette: Installation, detector: str) -> str | None:
    return vedette.condition("det", detector, "Degraded").get("status")


def _holder(vedette: Installation) -> str | None:
    return vedette.get("lease", "vedette-operator")["spec"].get("holderIdentity")


def _reconciles(vedette: Installation, detector: str) -> None:
    """Something is asked for and done."""
    label = f"touched-{time.time_ns()}"
    patch = f'{{"spec":{{"runtime":{{"batching":{{"maxDelayMilliseconds":{20 + time.time_ns() % 900}}}}}}}}}'
    vedette.kubectl("patch", "det", detector, "--type=merge", "-p", patch)
    observed: Callable[[], bool] = lambda: (  # noqa: E731
        (found := vedette.get("det", detector))["status"].get("observedGeneration") == found["metadata"]["generation"]
    )
    vedette.wait_for(f"an answer to {label}", observed, 60)
