"""Our API as a part of a cluster: its routes write the resources of a real API server, and what stands there is followed into a
real database. Nothing here is told to the API but by the API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from appliance.api import admin
from appliance.api.app import create_app
from appliance.api.background import cluster as background
from appliance.api.background.leftovers import Leftovers
from appliance.api.background.removals import Removals
from appliance.api.migrate import migrate
from appliance.api.services import Services
from appliance.api.services.cluster import Cluster
from appliance.api.settings import ApiSettings
from appliance.api.storage.database import Database
from appliance.clients import logging
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from tests.api import samples
from tests.cluster_crds.api_server import ApiServer
from tests.cluster_crds.test_kubernetes_client import Line
from tests.conftest import MessagingServer, StoreServer
from tests.contracts.wrong import changed, example

NAMESPACE = "followed"


@dataclass
class Appliance:
    client: httpx.AsyncClient
    services: Services
    database: Database
    messaging: Messaging
    store: ObjectStore
    cluster: Cluster
    url: str

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.database.begin() as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """With all that a cluster adds to the background."""
        parts = background.parts(self.cluster, self.database, self.messaging, self.store)
        tasks = [asyncio.create_task(_run(part)) for part in parts.values()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _run(part: Callable[[], Awaitable[None]]) -> None:
    await part()


@pytest.fixture
async def line(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    async with Line(api) as made:
        monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path)))
        yield made


@pytest.fixture
async def appliance(
    api: ApiServer, line: Line, database_url: str, nats_server: MessagingServer, object_store: StoreServer
) -> AsyncIterator[Appliance]:
    logging.configure("test")
    with contextlib.suppress(Exception):
        api.kubectl("create", "namespace", NAMESPACE)
    await asyncio.to_thread(migrate, database_url)
    store, database = ObjectStore(object_store.settings), Database(database_url)
    await asyncio.to_thread(store.ensure_bucket)
    messaging = await Messaging.connect(nats_server.settings, "test-api")
    await messaging.ensure_streams()
    cluster = Cluster.from_environment(NAMESPACE)
    assert cluster is not None
    services = Services.build(
        ApiSettings(kubernetes_namespace=NAMESPACE), database, messaging, store, asyncio.Event(), cluster
    )
    token = await admin.create_token(database_url)
    transport = httpx.ASGITransport(create_app(services, object_store.settings.endpoint))
    shown = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://vedette.test", headers=shown) as client:
        yield Appliance(client, services, database, messaging, store, cluster, database_url)
    api.kubectl("delete", "det,tj", "--all", "-n", NAMESPACE)
    services.raster_tiles.close()
    await cluster.close()
    await messaging.close()
    await database.close()


def _detector(name: str, **spec: Any) -> dict[str, Any]:
    document = example("detector")
    document["metadata"] = {"name": name}
    document["spec"]["model"]["storageUri"] = f"s3://vedette/models/{name}/1.4.0"
    document["spec"] |= spec
    return document


async def test_the_page_makes_the_same_resource_as_kubectl(appliance: Appliance, api: ApiServer) -> None:
    made = await appliance.client.post("/api/resources/detectors", json=_detector("crowns"))
    assert made.status_code == 200, made.text
    there = api.get("det", "crowns", "-n", NAMESPACE, "--show-managed-fields")
    assert there["metadata"]["annotations"]["vedette.io/applied-by"] == "administrator"
    assert there["metadata"]["managedFields"][0]["manager"] == "vedette-api"
    await appliance.client.post("/api/resources/detectors", json=_detector("crowns"))
    again = api.get("det", "crowns", "-n", NAMESPACE)
    assert again["metadata"]["resourceVersion"] == there["metadata"]["resourceVersion"]
    changed = await appliance.client.patch("/api/resources/detectors/crowns", json={"spec": {"suspend": True}})
    assert changed.json()["spec"]["suspend"] is True
    assert (await appliance.client.get("/api/resources/detectors/crowns")).json() == changed.json()
    assert (await appliance.client.delete("/api/resources/detectors/crowns")).status_code == 204
    assert (await appliance.client.get("/api/resources/detectors/crowns")).status_code == 404


async def test_lists_come_by_the_page(appliance: Appliance) -> None:
    for name in ("birds", "boats", "crowns"):
        await appliance.client.post("/api/resources/detectors", json=_detector(name))
    first = (await appliance.client.get("/api/resources/detectors", params={"limit": 2})).json()
    rest = await appliance.client.get("/api/resources/detectors", params={"limit": 2, "cursor": first["next"]})
    names = [each["metadata"]["name"] for each in [*first["items"], *rest.json()["items"]]]
    assert names == ["birds", "boats", "crowns"]
    assert "next" not in rest.json()


async def test_a_training_is_made_and_its_identity_stays(appliance: Appliance) -> None:
    document = example("trainingjob")
    made = await appliance.client.post("/api/resources/trainingjobs", json=document)
    assert made.status_code == 200, made.text
    path = f"/api/resources/trainingjobs/{document['metadata']['name']}"
    refused = await appliance.client.patch(path, json={"spec": {"numNodes": 7}})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert "spec" in refused.json()["detail"]
    assert (await appliance.client.patch(path, json={"spec": {"suspend": True}})).json()["spec"]["suspend"] is True


async def test_checkpoints_stay_as_long_as_their_training(appliance: Appliance, api: ApiServer) -> None:
    api.kubectl("-n", NAMESPACE, "apply", "-f", "-", given=changed(example("trainingjob"), {"metadata/name": "kept"}))
    uid = api.get("-n", NAMESPACE, "tj", "kept")["metadata"]["uid"]
    prefixes = {keys.training_prefix(each) for each in (uid, "deleted-1", "deleted-2")}
    for prefix in prefixes:
        for name in ("000000000010-a.pt", "000000000020-b.pt"):
            await asyncio.to_thread(
                appliance.store.put_bytes, f"{prefix}{name}", b"weights", "application/octet-stream"
            )
    leftovers = Leftovers(appliance.cluster, appliance.database, appliance.store)
    await leftovers.once()
    await leftovers.once()
    removals = Removals(appliance.database, appliance.store)
    while await removals.once():
        pass
    kept = await asyncio.to_thread(lambda: {each.key for each in appliance.store.list_objects(keys.TRAINING_PREFIX)})
    assert kept == {f"{keys.training_prefix(uid)}{name}" for name in ("000000000010-a.pt", "000000000020-b.pt")}
    api.kubectl("-n", NAMESPACE, "delete", "tj", "kept")
    await leftovers.once()
    while await removals.once():
        pass
    assert await asyncio.to_thread(appliance.store.list_folders, keys.TRAINING_PREFIX) == []


async def test_what_is_wrong_is_refused_with_field_and_sentence(appliance: Appliance) -> None:
    wrong = _detector("crowns", runningPoint={"from": "package", "threshold": 0.4})
    refused = await appliance.client.post("/api/resources/detectors", json=wrong)
    assert refused.status_code == 422
    assert "give exactly one of from and threshold" in refused.json()["detail"]
    await appliance.client.post("/api/resources/detectors", json=_detector("crowns"))
    refused = await appliance.client.patch(
        "/api/resources/detectors/crowns", json={"spec": {"scaling": {"minReplicas": 9}}}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert "minReplicas is above maxReplicas" in refused.json()["detail"]
    elsewhere = _detector("crowns")
    elsewhere["metadata"]["namespace"] = "default"
    refused = await appliance.client.post("/api/resources/detectors", json=elsewhere)
    assert "metadata.namespace" in refused.json()["detail"]


async def test_analysts_read_and_train_and_administrators_serve(appliance: Appliance) -> None:
    async with appliance.database.begin() as connection:
        await connection.execute(text("UPDATE principals SET role = 'analyst'"))
    refused = await appliance.client.post("/api/resources/detectors", json=_detector("crowns"))
    assert refused.status_code == 403
    assert (await appliance.client.get("/api/resources/detectors")).status_code == 200
    made = await appliance.client.post("/api/resources/trainingjobs", json=example("trainingjob"))
    assert made.status_code == 200, made.text
    assert (
        await appliance.client.delete(f"/api/resources/trainingjobs/{made.json()['metadata']['name']}")
    ).status_code == 204


async def test_what_the_operator_says_is_followed_over_an_outage(
    appliance: Appliance, api: ApiServer, line: Line, tmp_path: Path
) -> None:
    package = samples.package(tmp_path / "crowns", version="1.4.0")
    for path in package.folder.iterdir():
        key = keys.model_prefix("crowns", "1.4.0") + path.name
        await asyncio.to_thread(appliance.store.put_file, key, path, "application/octet-stream")
    document = _detector("crowns", subscribe=[{"dataset": "port"}])
    document["spec"]["model"]["digest"] = package.digest
    async with appliance.following():
        await appliance.client.post("/api/resources/detectors", json=document)
        await _until(appliance, "SELECT version, ready FROM detectors", [("1.4.0", True)])
        _operator_says(api, {"currentVersion": "1.4.0", "currentDigest": package.digest})
        await _until(appliance, "SELECT serving_version FROM followed_detectors", [("1.4.0",)])
        await line.cut()
        await _until(appliance, "SELECT serving_version FROM followed_detectors", [("1.4.0",)])
        await _eventually(lambda: not appliance.cluster.state.answers)
        status = (await appliance.client.get("/api/status")).json()
        assert "does not answer" in status["kubernetes"]["problem"]
        assert (await appliance.client.get("/api/detectors/crowns/1.4.0")).status_code == 200
        assert (await appliance.client.get("/api/resources/detectors")).status_code == 503
        api.kubectl("patch", "det", "crowns", "-n", NAMESPACE, "--type=merge", "-p", '{"spec":{"suspend":true}}')
        await line.mend()
        await _until(appliance, "SELECT suspended FROM followed_detectors", [(True,)])
        assert (await appliance.client.get("/api/status")).json()["kubernetes"]["answers"] is True
        await appliance.client.delete("/api/resources/detectors/crowns")
        await _until(appliance, "SELECT name FROM followed_detectors", [])


def _operator_says(api: ApiServer, status: dict[str, Any]) -> None:
    manifest = {"apiVersion": "vedette.io/v1alpha1", "kind": "Detector", "metadata": {"name": "crowns"}}
    words = ("apply", "--server-side", "--subresource=status", "--field-manager=operator", "-n", NAMESPACE, "-f", "-")
    api.kubectl(*words, given={**manifest, "status": status})


async def _until(appliance: Appliance, statement: str, expected: list[tuple[Any, ...]]) -> None:
    found: list[tuple[Any, ...]] = []
    for _ in range(600):
        found = await appliance.sql(statement)
        if found == expected:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{statement}: {found}")


async def _eventually(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come about")
