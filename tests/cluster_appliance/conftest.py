"""One installation of Vedette on one cluster, for all tests of this folder: `make test-cluster` runs them by themselves.

    vedette      Installation: helm, kubectl, the command line
    scene        the demo's real scene, pushed and labelled, with its snapshot
    detector     a Detector of the demo's package that is Ready and serves nothing else than 1.0.0

Tests run in the order of their files: the last ones remove it. One that harms heals before it ends.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from appliance.formats import model_package
from tests.cluster import kind_cluster, preflight, programs
from tests.cluster.cluster import running_cluster
from tests.cluster.target import Target, running
from tests.cluster_appliance import detectors, healing, images, packages, volumes
from tests.cluster_appliance.document import Reader
from tests.cluster_appliance.installation import Installation

_HERE = Path(__file__).parent
NEAR = "2019_YELL_2_528000_4978000_image_crop2"
FAR = "2019_YELL_2_541000_4977000_image_crop"
CLAIMS = {"vedette-postgres": "5Gi", "vedette-nats": "2Gi", "vedette-objectstore": "20Gi"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Target]:
    """Of kind where VEDETTE_TEST_CLUSTER says so, else of our own."""
    checkout = hashlib.sha256(str(programs.REPOSITORY).encode()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"vedette-appliance-{os.geteuid()}-{checkout}"
    if os.environ.get("VEDETTE_TEST_CLUSTER") == "kind":
        with running(kind_cluster.at(folder.with_name(f"{folder.name}-kind"))) as of_kind:
            yield of_kind
        return
    preflight.check()
    with running_cluster(folder, programs.built) as ours:
        yield ours


@pytest.fixture(scope="session")
def bare(cluster: Target, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Nothing is installed yet; images and volumes are there."""
    home = tmp_path_factory.mktemp("home")
    images.load(cluster)
    volumes.provide(cluster, "plain", CLAIMS)
    return Installation(cluster, programs.helm(), (images.VALUES, _HERE / "values.yaml"), home)


@pytest.fixture(scope="session")
def reader(bare: Installation, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Of docs/kubernetes.md, whose commands put Vedette onto the cluster."""
    folder = tmp_path_factory.mktemp("reader")
    better = packages.version(folder / "tree-crowns-1.1.0", *packages.BETTER)
    programs_on_path = (
        bare.helm_program.parent,
        Path(bare.cluster.kubectl.program).parent,
        Path(sys.executable).parent,
    )
    environment = {
        "PATH": ":".join([*map(str, programs_on_path), os.environ["PATH"]]),
        "KUBECONFIG": str(bare.cluster.layout.kubeconfig),
        "VALUES": str(images.VALUES),
        "SITE": str(_HERE / "values.yaml"),
        "NODE": bare.address,
        "SCENE": str(fetched() / f"{FAR}.png"),
        "BETTER": str(better.folder),
    }
    reader = Reader.of("kubernetes.md", environment, folder)
    reader.do("Install")
    return reader


@pytest.fixture(scope="session")
def vedette(bare: Installation, reader: Reader) -> Installation:
    bare.token_file.write_text(reader.environment["VEDETTE_TOKEN"])
    return bare


def fetched() -> Path:
    """The folder of the demo's scenes."""
    script = programs.REPOSITORY / "scripts" / "fetch_data.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@dataclass(frozen=True)
class Scene:
    """Digests of snapshots: `near` of the scene that the detector was trained on a part of, `far` of the held-out one;
    `train` and `validation` are two blocks of `near` that share no pixel."""

    folder: Path
    near: str
    far: str
    train: str
    validation: str


@pytest.fixture(scope="session")
def scene(vedette: Installation) -> Scene:
    folder = fetched()
    vedette.vedette("dataset", "create", "survey", "--title", "Tree crowns")
    vedette.vedette("item", "push", *(str(folder / f"{n}.png") for n in (NEAR, FAR)), "--dataset", "survey", "--wait")
    for name in (NEAR, FAR):
        vedette.vedette("dataset", "import", str(folder / f"{name}.xml"), "--dataset", "survey")

    def snapshot(name: str, *window: str) -> str:
        return vedette.vedette("dataset", "snapshot", "survey", "--item", f"{name}.png", *window).strip()

    return Scene(
        folder,
        snapshot(NEAR),
        snapshot(FAR),
        snapshot(NEAR, "--window", "0,0,2299,1940"),
        snapshot(NEAR, "--window", "0,2050,2299,422"),
    )


@pytest.fixture(scope="session")
def digests(vedette: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of the packages in the store, by version."""
    found = {}
    folder = tmp_path_factory.mktemp("packages")
    made = [model_package.read(packages.FIRST)]
    made += [packages.version(folder / number, number, at) for number, at in (packages.BETTER, packages.WORSE)]
    for package in made:
        vedette.vedette("detector", "apply", str(package.folder))
        found[package.manifest.version] = package.digest
    return found


@pytest.fixture
def detector(vedette: Installation, scene: Scene, digests: dict[str, str]) -> str:
    """Its name. Made anew for each test, so that none sees what another did to it."""
    vedette.kubectl("delete", "det", "tree-crowns", "--ignore-not-found", "--timeout=30s")
    vedette.apply(yaml.safe_dump(detectors.serving("1.0.0", digests["1.0.0"])))
    vedette.wait("det", "tree-crowns", "Ready")
    return "tree-crowns"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for fault, seconds in healing.MEASURED.items():
        terminalreporter.write_line(f"Healed after {seconds:5.1f} s: {fault}")
