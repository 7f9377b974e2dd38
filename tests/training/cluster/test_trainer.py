"""A TrainingJob's pod from task to report, through kills: real processes, a real object store, a real NATS."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from typing import Any

import pytest

from appliance.clients.messaging import Messaging
from appliance.contracts import keys
from appliance.contracts.resources.reports import LIMIT_BYTES, TrainingReport
from appliance.contracts.resources.training_status import TrainerStatus
from appliance.formats import fetch
from appliance.standalone.ports import free_ports
from tests.conftest import MessagingServer
from tests.training.cluster.conftest import Site

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(900),  # a dozen processes that import torch, one after the other
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]

LONG = {"epochs": 400, "steps_per_epoch": 5, "batch_size": 2, "validate_every": 2, "crop_size": 64}
SHORT = {"epochs": 2, "steps_per_epoch": 3, "batch_size": 2, "crop_size": 64, "validate_every": 2}


def steps(log: str, event: str) -> list[int]:
    return [json.loads(line)["step"] for line in log.splitlines() if f'"event": "{event}"' in line]


def test_a_killed_pod_goes_on_where_it_was_and_reports(site: Site, nats_server: MessagingServer) -> None:
    """kill -9 after a checkpoint; SIGTERM to the next one; the third finishes; a fourth has nothing left to do."""
    bounded = {**LONG, "maximum_seconds": 16.0}
    task = site.task(bounded, publish={"model": "killed-discs", "version": "1.2.0"})
    first = site.start(task)
    first.wait_for('"event": "checkpoint stored"')
    first.kill()
    first.wait()
    stored = steps(first.log, "checkpoint stored")[-1]
    second = site.start(task)
    second.wait_for('"event": "epoch"')
    assert '"event": "resuming"' in second.log
    second.kill(signal.SIGTERM)
    assert second.wait(120) == 143, second.log
    later = steps(second.log, "checkpoint stored")[-1]
    assert later > stored
    newest = site.keys_of(task)[-1]
    site.store.put_bytes(newest, b"torn", "text/plain")

    third = site.start(task)
    assert third.wait() == 0, third.log
    assert '"event": "checkpoint damaged"' in third.log
    assert f"{stored:012d}-" in re.findall(r'"checkpoint": "([^"]*)"', third.log)[-1]
    assert len(third.message) <= LIMIT_BYTES
    report = TrainingReport.model_validate_json(third.message)
    assert report.model_package.storage_uri == "s3://vedette/models/killed-discs/1.2.0"
    folder = site.folder / "fetched"
    prefix = keys.model_prefix("killed-discs", "1.2.0")
    package = fetch.fetch_package(site.store.get_file, prefix, report.model_package.digest, folder)
    reached = package.manifest.metrics["validation/f1@0.5"]
    assert report.verdict.goal_met == (reached >= 0.5)
    assert site.store.get_bytes(keys.package_digest("killed-discs", "1.2.0"), 100).decode() == package.digest
    assert [key.rsplit("/", 1)[1] for key in site.keys_of(task)] == ["report.json"]
    status = asyncio.run(last_status(nats_server, task["uid"]))
    assert status.progress_percentage > 0
    assert status.metrics[0].name == "f1"

    fourth = site.start(task)
    assert fourth.wait(120) == 0
    assert fourth.message == third.message
    assert '"event": "epoch"' not in fourth.log
    other = site.start(site.task(SHORT, publish={"model": "killed-discs", "version": "1.2.0"}))
    assert other.wait(120) == 64
    assert "killed-discs 1.2.0 is published already" in other.message


async def last_status(server: MessagingServer, uid: str) -> TrainerStatus:
    messaging = await Messaging.connect(server.settings, "test")
    try:
        async for key, value in messaging.trainers.follow():
            if key == uid and value is not None:
                return value
    finally:
        await messaging.close()
    raise AssertionError("nothing was told")


def test_two_pods_train_together_and_one_reports(site: Site) -> None:
    task = site.task(SHORT, numNodes=2)
    pods = together(site, task)
    assert [pod.wait() for pod in pods] == [0, 0], pods[0].log + pods[1].log
    report = TrainingReport.model_validate_json(next(pod.message for pod in pods if pod.message))
    assert report.model_package.storage_uri.endswith(f"/{task['name']}/0.0.0")
    assert sum(bool(pod.message) for pod in pods) == 1


def test_two_pods_stop_together_resume_together_and_none_goes_on_alone(site: Site) -> None:
    """SIGTERM to the pod that stores nothing: the other one stores the checkpoint."""
    task = site.task(LONG, numNodes=2)
    first, other = training_together(site, task)
    other.kill(signal.SIGTERM)
    assert (first.wait(120), other.wait(120)) == (143, 143), first.log + other.log
    assert steps(first.log, "checkpoint stored")
    left, lost = training_together(site, task)
    assert '"event": "resuming"' in left.log
    assert '"event": "resuming"' in lost.log
    lost.lose()
    assert left.wait(120) == 1, left.log
    assert "Another pod of this training was lost" in left.log


def training_together(site: Site, task: dict[str, Any]) -> list[Any]:
    """Two pods in the midst of training, the one that tells first."""
    pods = together(site, task)
    while not any('"event": "epoch"' in pod.log for pod in pods):
        assert all(pod.process.poll() is None for pod in pods), pods[0].log + pods[1].log
        time.sleep(0.05)
    return sorted(pods, key=lambda pod: '"event": "epoch"' not in pod.log)


def together(site: Site, task: dict[str, Any]) -> list[Any]:
    meet = f"--rdzv-endpoint=127.0.0.1:{free_ports(1)[0]}"
    launcher = ("-m", "appliance.training.nodes", "--nnodes=2", "--rdzv-backend=c10d", meet, f"--rdzv-id={task['uid']}")
    return [site.start(task, *launcher, "--local-addr=127.0.0.1") for _ in range(2)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"configuration": {"inline": {"licence": "MIT", "threads": 1, "tile_size": 128, "halo": 64}}}, "halo"),
        ({"configuration": {"configMapRef": {"name": "x", "key": "y"}}}, "holds no training configuration"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(site: Site, change: dict[str, Any], said: str) -> None:
    pod = site.start(site.task(**change))
    assert pod.wait(120) == 64, pod.log
    assert said in pod.message


def test_missing_and_changed_snapshots_are_refused(site: Site) -> None:
    train = site.snapshots["train"].digest
    missing = site.start(site.task(dataset={"train": train, "validation": "sha256:" + "0" * 64}))
    assert missing.wait(120) == 64, missing.log
    assert f"The snapshot sha256:{'0' * 64} is not whole in the object store" in missing.message
    item = site.snapshots["train"].manifest.items[0].item_id
    site.store.put_bytes(keys.scene(item), b"another scene", "image/tiff")
    changed = site.start(site.task())
    assert changed.wait(120) == 64, changed.log
    assert f"{keys.scene(item)} in the object store has digest" in changed.message
