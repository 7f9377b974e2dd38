"""The surroundings of the operator's benchmark: a control plane with kwok's nodes, NATS, and a store in which the model packages
and snapshots lie that the objects name. Called by operator.py; everything on loopback, gone afterwards.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings
from appliance.contracts import keys
from appliance.contracts.snapshot import ANNOTATIONS_FILE, MANIFEST_FILE, SnapshotItem
from appliance.formats import model_package, snapshot
from benchmarks import operator_audit, operator_kwok, servers
from benchmarks.operator_client import Client, wait
from benchmarks.operator_objects import NAMESPACE, PEER_NAMESPACE, VERSION, name, nodes
from tests.cluster_crds.api_server import ADMINISTRATOR, ROOT, ApiServer
from tests.cluster_crds.control_plane import CONTROLLERS, control_plane

OPERATOR = "operator"
_DEMO = ROOT / "demo" / "tree-crowns"


@dataclass(frozen=True)
class Surroundings:
    """`audit`: the API server's log of what the operator, the controllers and we asked for."""

    api: ApiServer
    client: Client
    store: StoreSettings
    messaging: MessagingSettings
    audit: Path


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """With our CRDs, the namespaces and the operator's rights, and no node yet."""
    with servers.temporary_folder() as folder, ExitStack() as stack:
        place = folder / "cluster"
        place.mkdir()
        logged = operator_audit.arguments(place, OPERATOR, ADMINISTRATOR, CONTROLLERS)
        plane = control_plane(place, operator_kwok.configuration(), {OPERATOR: ""}, logged)
        api = stack.enter_context(plane)
        queue = stack.enter_context(servers.nats(folder))
        objects = stack.enter_context(servers.store(folder))
        _prepare(api)
        client = stack.enter_context(contextlib.closing(Client(api.kubeconfig)))
        yield Surroundings(api, client, objects.settings(), queue.settings(), operator_audit.log(place))


def _prepare(api: ApiServer) -> None:
    api.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    api.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
    for namespace in (NAMESPACE, PEER_NAMESPACE):
        api.kubectl("create", "namespace", namespace)
    # All in its own namespace: which rights it needs of these is the chart's business.
    api.kubectl("-n", NAMESPACE, "create", "role", OPERATOR, "--verb=*", "--resource=*.*")
    api.kubectl("-n", NAMESPACE, "create", "rolebinding", OPERATOR, f"--role={OPERATOR}", f"--user={OPERATOR}")


def add_nodes(client: Client, count: int) -> None:
    """Of kwok, each ready for pods on return."""
    client.create(nodes(count))

    def ready() -> int:
        items, _ = client.list("/api/v1/nodes")
        return sum(not item["spec"].get("taints") for item in items)

    wait(lambda: ready() == count, 120, lambda: f"{ready()} of {count} nodes are ready")


def store_packages(settings: StoreSettings, count: int) -> list[str]:
    """One model package for each name, as whoever publishes one leaves it; its digests, in the order of the names."""
    store = ObjectStore(settings)
    store.ensure_bucket()
    original = model_package.read(_DEMO).manifest.model_copy(update={"variants": [], "version": VERSION})

    def stored(number: int) -> str:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "model.onnx").write_bytes(b"never run")
            manifest = original.model_copy(update={"name": name(number)})
            made = model_package.write(Path(folder), manifest, {}, "# For a benchmark\n")
            for file in model_package.FILES:
                key = keys.model_prefix(manifest.name, VERSION) + file
                store.put_file(key, Path(folder) / file, "application/octet-stream")
            store.put_bytes(keys.package_digest(manifest.name, VERSION), made.digest.encode(), "text/plain")
            return made.digest

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(stored, range(count)))


def store_snapshots(settings: StoreSettings) -> tuple[str, str]:
    """Two, of one item each whose pixels are never read: (training, validation)."""
    store = ObjectStore(settings)
    store.ensure_bucket()
    digests = []
    for number in (1, 2):
        unread = f"sha256:{number:064d}"
        item = SnapshotItem(
            item_id=UUID(int=number),
            name="unread",
            original_sha256=unread,
            scene_sha256=unread,
            width=1,
            height=1,
            transform=(0.1, 0, 0, 0, -0.1, 0),
        )
        with tempfile.TemporaryDirectory() as folder:
            made = snapshot.write(Path(folder), "bench", [item], [])
            for file in (ANNOTATIONS_FILE, MANIFEST_FILE):
                store.put_file(keys.snapshot_prefix(made.digest) + file, Path(folder) / file, "application/json")
        digests.append(made.digest)
    return digests[0], digests[1]
