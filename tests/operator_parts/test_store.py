"""Looks into a real object store: what is there, what is not, and what is still so while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
import yaml
from vedette_operator import store as looks
from vedette_operator.reconcile.observed import Package
from vedette_operator.store import Found, Store

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from tests.conftest import StoreServer
from tests.contracts.wrong import EXAMPLES

_DIGEST = "sha256:" + "5" * 64
_MANIFEST = yaml.safe_load((EXAMPLES.parents[1] / "demo" / "tree-crowns" / "manifest.yaml").read_text("utf-8"))


@pytest.fixture
def objects(object_store: StoreServer) -> ObjectStore:
    found = ObjectStore(object_store.settings, 2.0)
    found.ensure_bucket()
    return found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "_MISSING_SECONDS", 0.05)
    monkeypatch.setattr(looks, "_THERE_SECONDS", 0.05)


@pytest.fixture
def uri(objects: ObjectStore) -> Iterator[str]:
    """Where nothing is yet."""
    name = f"m{uuid4().hex[:8]}"
    yield f"s3://{'vedette'}/models/{name}/1.0.0"
    prefix = keys.model_prefix(name, "1.0.0")
    objects.delete([f"{prefix}digest", f"{prefix}manifest.yaml"])


def _publish(objects: ObjectStore, uri: str, manifest: bytes | None = None) -> None:
    prefix = keys.model_prefix(uri.split("/")[-2], "1.0.0")
    written = yaml.safe_dump(_MANIFEST).encode() if manifest is None else manifest
    objects.put_bytes(f"{prefix}manifest.yaml", written, "application/yaml")
    objects.put_bytes(f"{prefix}digest", f"{_DIGEST}\n".encode(), "text/plain")


async def test_a_package_is_missing_until_it_is_there(objects: ObjectStore, uri: str) -> None:
    store = Store(objects)
    assert await store.package(uri) == Found("missing")
    _publish(objects, uri)
    await asyncio.sleep(0.1)
    threshold = _MANIFEST["running_point"]["threshold"]
    held = frozenset(each["precision"] for each in _MANIFEST.get("variants", []))
    assert await store.package(uri) == Found("there", _DIGEST, Package(threshold, held))


@pytest.mark.parametrize("manifest", [b"a: [", b"name: 1", b"\xff\xfe", b""], ids=["yaml", "fields", "bytes", "empty"])
async def test_a_manifest_that_cannot_be_read_is_for_the_worker_to_tell(
    objects: ObjectStore, uri: str, manifest: bytes
) -> None:
    _publish(objects, uri, manifest)
    assert await Store(objects).package(uri) == Found("there", _DIGEST, None)


async def test_a_snapshot_is_there_by_its_manifest(objects: ObjectStore) -> None:
    digest = f"sha256:{uuid4().hex}{uuid4().hex}"
    store = Store(objects)
    assert await store.snapshot(digest) is False
    objects.put_bytes(f"{keys.snapshot_prefix(digest)}manifest.json", b"{}", "application/json")
    await asyncio.sleep(0.1)
    assert await store.snapshot(digest) is True


async def test_many_who_ask_at_once_ask_the_store_once(
    objects: ObjectStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_MISSING_SECONDS", 10.0)
    asked = list[str]()
    read = ObjectStore.get_bytes

    def counted(self: ObjectStore, key: str, maximum_bytes: int) -> bytes:
        asked.append(key)
        return read(self, key, maximum_bytes)

    monkeypatch.setattr(ObjectStore, "get_bytes", counted)
    store = Store(objects)
    assert set(await asyncio.gather(*(store.package(uri) for _ in range(20)))) == {Found("missing")}
    assert len(asked) == 1


async def test_while_the_store_is_away_what_was_seen_is_still_so_and_the_rest_unknown(
    objects: ObjectStore, uri: str, object_store: StoreServer
) -> None:
    _publish(objects, uri)
    store = Store(objects)
    known = await store.package(uri)
    object_store.server.kill()
    try:
        await asyncio.sleep(0.1)
        assert await store.package(uri) == known
        assert await store.package("s3://vedette/models/never-seen/1.0.0") == Found("unknown")
        assert await store.snapshot(_DIGEST) is None
    finally:
        object_store.server.start()


async def test_without_a_store_all_is_unknown() -> None:
    assert await Store(None).package("s3://vedette/models/one/1.0.0") == Found("unknown")


async def test_what_was_looked_at_longest_ago_is_forgotten(
    objects: ObjectStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_MOST_LOOKS", 4)
    _publish(objects, uri)
    store = Store(objects)
    assert (await store.package(uri)).state == "there"
    for number in range(6):
        assert (await store.package(f"s3://vedette/models/none-{number}/1.0.0")).state == "missing"
    assert len(store._looks) == len(store._locks) == 4
    assert (await store.package(uri)).state == "there"
