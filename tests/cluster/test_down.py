"""A cluster of one's own beside the session's, by the command line: started over when half dead, interrupted, removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from appliance.contracts.errors import Code, VedetteError
from tests.cluster import cgroups, preflight, programs
from tests.cluster.__main__ import main
from tests.cluster.cluster import Cluster, clear
from tests.cluster.kubectl import wait_until
from tests.cluster.layout import CONTROL, NODES, Layout
from tests.cluster.pods import PodRunner
from tests.cluster.programs import Programs
from tests.cluster.state import load
from tests.servers import temporary_folder


def machine_folders() -> set[str]:
    """Those of this machine that parts of a cluster would make, or write to, if they were not kept from it."""
    known = (
        "/var/lib/kubelet",
        "/var/lib/cni",
        "/var/log/pods",
        "/run/containerd",
        "/run/netns",
        "/etc/cni",
        "/opt/containerd",
    )
    return {path for path in (*known, "/opt/cni", "/usr/libexec/kubernetes", "/etc/kubernetes") if Path(path).exists()}


_BEFORE = machine_folders()


@pytest.fixture
def layout(built: Programs) -> Iterator[Layout]:
    """Of no cluster yet. A short path: sockets have paths, too."""
    with temporary_folder() as folder:
        layout = Layout(folder / "cluster")
        yield layout
        clear(layout)


def command(layout: Layout, *words: str) -> list[str]:
    return [sys.executable, "-m", "tests.cluster", "--folder", str(layout.folder), *words]


def run(layout: Layout, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(layout, *words), cwd=programs.REPOSITORY, capture_output=True, text=True, timeout=200, check=False
    )


def network_namespaces() -> set[str]:
    found = set()
    for pid in psutil.pids():
        try:
            found.add(str(Path(f"/proc/{pid}/ns/net").readlink()))
        except OSError:
            continue
    return found


def assert_nothing_left(layout: Layout, namespaces: set[str]) -> None:
    """`namespaces` are those of the cluster when it ran."""
    assert cgroups.processes(layout.id) == set()
    assert [mount for mount in cgroups.hierarchies() if (mount / layout.id).exists()] == []
    assert not Path(f"/sys/class/net/{layout.id}").exists()
    assert not layout.folder.exists()
    assert str(layout.folder) not in Path("/proc/self/mounts").read_text()
    assert not namespaces & network_namespaces()
    mentions = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if p.pid != os.getpid()]
    assert [line for line in mentions if line and any(str(layout.folder) in word for word in line)] == []
    assert machine_folders() == _BEFORE


def places(layout: Layout) -> set[str]:
    state = load(layout.state)
    assert state is not None
    anchors = [state.process(f"place@{place}") for place in (CONTROL, *NODES)]
    return {str(Path(f"/proc/{anchor.pid}/ns/net").readlink()) for anchor in anchors if anchor is not None}


def test_a_half_dead_cluster_is_started_over_and_down_leaves_nothing(built: Programs, layout: Layout) -> None:
    started = run(layout, "up")
    assert started.returncode == 0, started.stderr
    assert f"KUBECONFIG={layout.kubeconfig}" in started.stdout
    assert not layout.folder.stat().st_mode & 0o077
    cluster = Cluster(layout, lambda: built, orphans=True)
    cluster.kubectl("create", "configmap", "memory")
    PodRunner(cluster.kubectl, "default").run("left", node="plain")

    again = run(layout, "up")  # it runs, and wants nothing
    assert (again.returncode, "Started" in again.stdout) == (0, False)
    assert cluster.kubectl("get", "configmap", "memory", "-o", "name") == "configmap/memory\n"

    first = places(layout)
    for part in ("etcd", "containerd@plain"):
        process = cluster.running.found(part)
        assert process is not None
        process.end()
    over = run(layout, "up")
    assert (over.returncode, "Started" in over.stdout) == (0, True), over.stderr
    assert cluster.kubectl("get", "configmap", "memory", "--ignore-not-found") == ""

    second = places(layout)
    down = run(layout, "down")
    assert (down.returncode, down.stdout) == (0, "The cluster is gone.\n"), down.stderr
    assert_nothing_left(layout, first | second)
    assert run(layout, "down").stdout == "There is no cluster.\n"


def test_to_remove_one_nothing_is_built(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def built() -> Programs:
        raise AssertionError("on a new machine that takes a quarter of an hour")

    monkeypatch.setattr(programs, "built", built)
    assert main(["--folder", str(layout.folder), "down"]) == 0


def test_an_interrupted_start_clears_up(layout: Layout) -> None:
    process = subprocess.Popen(
        command(layout, "up"), cwd=programs.REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until("the first node", lambda: (layout.logs / "containerd@plain.log").exists(), seconds=60, pause=0.02)
        namespaces = places(layout)
        refused = run(layout, "down")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert said == "Interrupted; what was begun is removed.\n"
    assert (refused.returncode, "Another process is at work" in refused.stderr) == (2, True)
    assert_nothing_left(layout, namespaces)


def test_who_is_not_root_is_told_so() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            preflight.check()
        except VedetteError as error:
            os.write(writer, f"{error.reason.code} {error}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    assert said.startswith(f"{Code.FORBIDDEN} A cluster needs root")


def test_a_verb_without_a_cluster_names_the_remedy(layout: Layout) -> None:
    done = run(layout, "gpus", "0")
    assert (done.returncode, done.stderr) == (2, "There is no cluster. Start one: make cluster.\n")
