"""What is said of kind where it cannot be started: there is no container engine in CI (docs/cluster.md says what was tried with one)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.cluster import programs
from tests.cluster.engine import Engine
from tests.cluster.kind_cluster import KindCluster
from tests.cluster.layout import NODES, Layout
from tests.cluster.programs import Programs

_UP = [sys.executable, "-m", "tests.cluster", "--kind", "--folder"]


def _up(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        [*_UP, str(folder), "up"],
        cwd=programs.REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def _engine(folder: Path, said: str, status: int) -> str:
    """A PATH on which `docker` is a program that says this and ends so."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {status}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_an_engine_that_does_not_answer_is_named_with_what_it_said(tmp_path: Path, built: Programs) -> None:
    done = _up(tmp_path / "cluster", _engine(tmp_path, "Cannot connect to the Docker daemon", 1))
    assert done.returncode == 2
    assert done.stderr.startswith("docker does not answer: docker info: Cannot connect to the Docker daemon")
    assert not (tmp_path / "cluster").exists()


def test_kind_takes_the_settings_and_fails_with_its_own_words(tmp_path: Path, built: Programs) -> None:
    """It reads them before it asks the engine for anything but what runs there."""
    done = _up(tmp_path / "cluster", _engine(tmp_path, "", 0))
    assert done.returncode == 2
    assert done.stderr.startswith("kind could not create cluster: failed to")
    assert "VEDETTE_KIND_IMAGE" in done.stderr
    assert not (tmp_path / "cluster").exists()


def test_nodes_have_the_names_labels_and_folders_of_our_own_cluster(tmp_path: Path, built: Programs) -> None:
    cluster = KindCluster(Layout(tmp_path), lambda: built, Path("kind"), Engine("docker"))
    for name in NODES:
        (tmp_path / "nodes" / name / "var" / "vedette").mkdir(parents=True)
    control, *workers = cluster.settings()["nodes"]
    assert control == {"role": "control-plane"}
    names = [yaml.safe_load(each["kubeadmConfigPatches"][0])["nodeRegistration"]["name"] for each in workers]
    assert names == list(NODES)
    assert workers[1]["labels"] == {"nvidia.com/gpu.present": "true"}
    assert all(each["extraMounts"][0]["containerPath"] == "/var/vedette" for each in workers)
