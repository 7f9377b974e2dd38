"""Trainer processes against a real object store and NATS: snapshots as the API stores them, and tasks as the operator writes them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.snapshot import ANNOTATIONS_FILE, MANIFEST_FILE
from appliance.formats.snapshot import Snapshot
from appliance.training.configuration import TrainingConfiguration
from tests.conftest import MessagingServer, StoreServer
from tests.servers import private_environment
from tests.training.conftest import MakeSnapshot, Part


@dataclass
class Pod:
    """One trainer process."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def message(self) -> str:
        path = self.folder / "termination-log"
        return path.read_text() if path.exists() else ""

    def wait(self, seconds: float = 240) -> int:
        return self.process.wait(seconds)

    def wait_for(self, text: str, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def lose(self) -> None:
        """As a lost node does: torchrun gives its children sessions of their own, which a kill of its group does not reach."""
        if self.process.poll() is None:
            here = psutil.Process(self.process.pid)
            for each in (*here.children(recursive=True), here):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()


@dataclass
class Site:
    """Where trainers run."""

    store: ObjectStore
    environment: dict[str, str]
    folder: Path
    snapshots: dict[str, Snapshot]
    configuration: TrainingConfiguration
    pods: list[Pod]

    def task(self, options: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
        """A TrainingTask; `options` replace those of the inline configuration."""
        inline = self.configuration.model_dump(mode="json", exclude={"name", "version"}, exclude_defaults=True)
        written = {
            "dataset": {name: each.digest for name, each in self.snapshots.items()},
            "configuration": {"inline": {**inline, **(options or {})}},
            "goal": {"metric": "f1", "minimum": 0.5},
            "checkpoint": {"everySeconds": 10},
        }
        return {"name": f"discs-{uuid4().hex[:8]}", "uid": str(uuid4()), "spec": {**written, **spec}}

    def start(self, task: dict[str, Any] | str, *launcher: str, **more: str) -> Pod:
        folder = self.folder / f"pod-{len(self.pods)}"
        folder.mkdir()
        text = task if isinstance(task, str) else json.dumps(task)
        given = {
            **self.environment,
            "VEDETTE_TASK": text,
            "VEDETTE_WORK_FOLDER": str(folder / "work"),
            "VEDETTE_TERMINATION_LOG": str(folder / "termination-log"),
            **more,
        }
        command = [sys.executable, *launcher, "-m", "appliance.training.cluster"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=given, stdout=log, stderr=log, start_new_session=True)
        self.pods.append(Pod(process, folder))
        return self.pods[-1]

    def keys_of(self, task: dict[str, Any]) -> list[str]:
        return sorted(each.key for each in self.store.list_objects(keys.training_prefix(task["uid"])))


def put_snapshot(store: ObjectStore, snapshot: Snapshot) -> None:
    for name in (MANIFEST_FILE, ANNOTATIONS_FILE):
        store.put_file(keys.snapshot_prefix(snapshot.digest) + name, snapshot.folder / name, "text/plain")
    for item in snapshot.manifest.items:
        store.put_file(keys.scene(item.item_id), snapshot.scene_path(item.item_id), "image/tiff")


@pytest.fixture
def site(
    object_store: StoreServer,
    nats_server: MessagingServer,
    make_snapshot: MakeSnapshot,
    configuration: TrainingConfiguration,
    tmp_path: Path,
) -> Iterator[Site]:
    store = ObjectStore(object_store.settings)
    store.ensure_bucket()
    snapshots = {"train": make_snapshot(Part(seed=1)), "validation": make_snapshot(Part(seed=2))}
    for each in snapshots.values():
        put_snapshot(store, each)
    here = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    environment = {**private_environment(), **object_store.environment, **nats_server.environment, **here}
    made = Site(store, environment, tmp_path, snapshots, configuration, [])
    yield made
    for pod in made.pods:
        pod.lose()
        pod.process.wait()
