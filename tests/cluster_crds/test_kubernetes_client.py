"""appliance/clients/kubernetes.py against a real API server: what it reads, writes and follows, and what it says when refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliance.clients.kubernetes import Happening, Kubernetes, Page
from appliance.clients.kubernetes_kinds import CONFIG_MAPS, DETECTORS, EVENTS, NAMESPACES, Manifest
from appliance.clients.kubernetes_watch import Away, Changed, Listed, Watched
from appliance.contracts.errors import Code, VedetteError
from tests.cluster_crds.api_server import ApiServer
from tests.contracts.wrong import changed, example

NAMESPACE = "default"


@pytest.fixture
async def client(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kubernetes]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    made = Kubernetes.from_environment("tests")
    yield made
    await made.close()


def _detector(name: str, **changes: Any) -> Manifest:
    named = {"metadata/name": name, "spec/model/storageUri": f"s3://vedette/models/{name}/1.4.0"}
    whole: Manifest = changed(example("detector"), {**named, **changes})
    whole["metadata"] = {**whole["metadata"], "namespace": NAMESPACE}
    return whole


def _settings(name: str, **data: str) -> Manifest:
    return {"metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


async def test_apply_makes_and_twice_changes_nothing(client: Kubernetes) -> None:
    made = await client.apply(DETECTORS, _detector("applied"))
    again = await client.apply(DETECTORS, _detector("applied"))
    assert made["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    assert again["metadata"]["managedFields"][0]["manager"] == "tests"
    assert (await client.get(DETECTORS, "applied", NAMESPACE))["spec"] == made["spec"]


async def test_the_api_servers_own_sentence_is_told_with_its_field(client: Kubernetes) -> None:
    wrong = _detector("wrong", **{"spec/runningPoint": {"from": "package", "threshold": 0.4}})
    with pytest.raises(VedetteError) as refused:
        await client.apply(DETECTORS, wrong)
    assert refused.value.reason.code is Code.INVALID
    assert refused.value.reason.message == "spec.runningPoint: give exactly one of from and threshold."


async def test_a_field_that_nobody_knows_is_refused_by_name(client: Kubernetes) -> None:
    with pytest.raises(VedetteError, match="modle") as refused:
        await client.apply(DETECTORS, _detector("misspelt", **{"spec/modle": {}}))
    assert refused.value.reason.code is Code.INVALID


async def test_the_status_is_written_apart_from_the_spec(client: Kubernetes) -> None:
    await client.apply(DETECTORS, _detector("said"))
    about = {"name": "said", "namespace": NAMESPACE}
    await client.merge(DETECTORS, {"metadata": about, "status": {"currentVersion": "1.4.0"}}, status=True)
    await client.apply(DETECTORS, _detector("said"))
    assert (await client.get(DETECTORS, "said", NAMESPACE))["status"]["currentVersion"] == "1.4.0"
    await client.merge(DETECTORS, {"metadata": about, "status": {"currentVersion": None}}, status=True)
    assert "currentVersion" not in (await client.get(DETECTORS, "said", NAMESPACE))["status"]


async def test_a_merge_with_an_old_version_is_a_conflict(client: Kubernetes) -> None:
    first = await client.apply(CONFIG_MAPS, _settings("merged", a="1"))
    await client.merge(CONFIG_MAPS, _settings("merged", b="2"))
    old = {**first["metadata"], "managedFields": None}
    with pytest.raises(VedetteError) as refused:
        await client.merge(CONFIG_MAPS, {"metadata": old, "data": {"a": "3"}})
    assert refused.value.reason.code is Code.CONFLICT
    assert (await client.get(CONFIG_MAPS, "merged", NAMESPACE))["data"] == {"a": "1", "b": "2"}


async def test_pages_hold_every_object_once(client: Kubernetes) -> None:
    for number in range(7):
        await client.apply(CONFIG_MAPS, _settings(f"paged-{number}"))
    cursor, names = None, []
    while True:
        page = await client.page(CONFIG_MAPS, 3, cursor, NAMESPACE)
        names += [each["metadata"]["name"] for each in page.items]
        assert len(page.items) <= 3
        cursor = page.next
        if cursor is None:
            break
    assert [name for name in names if name.startswith("paged-")] == [f"paged-{number}" for number in range(7)]
    assert all(each["kind"] == "ConfigMap" for each in (await client.list(CONFIG_MAPS, NAMESPACE)).items)


async def test_what_is_not_there_is_told_so(client: Kubernetes) -> None:
    for asked in (client.get(DETECTORS, "nobody", NAMESPACE), client.delete(DETECTORS, "nobody", NAMESPACE)):
        with pytest.raises(VedetteError) as refused:
            await asked
        assert refused.value.reason.code is Code.NOT_FOUND


async def test_only_the_object_that_is_meant_is_deleted(client: Kubernetes) -> None:
    made = await client.create(CONFIG_MAPS, _settings("meant"))
    with pytest.raises(VedetteError) as refused:
        await client.delete(CONFIG_MAPS, "meant", NAMESPACE, uid="another")
    assert refused.value.reason.code is Code.CONFLICT
    with pytest.raises(VedetteError, match="already exists"):
        await client.create(CONFIG_MAPS, _settings("meant"))
    await client.delete(CONFIG_MAPS, "meant", NAMESPACE, "Foreground", uid=made["metadata"]["uid"])


async def test_an_object_of_the_whole_cluster_has_no_namespace(client: Kubernetes) -> None:
    assert (await client.get(NAMESPACES, "default"))["metadata"]["name"] == "default"


async def test_an_event_is_shown_with_its_object(client: Kubernetes, api: ApiServer) -> None:
    made = await client.apply(DETECTORS, _detector("told"))
    await client.record(made, Happening(True, "GateFailed", "RollBack", "f1 0.71 is under 0.80. " + "é" * 900))
    found = [e for e in (await client.list(EVENTS, NAMESPACE)).items if e["regarding"]["name"] == "told"]
    assert [(each["type"], each["reason"]) for each in found] == [("Warning", "GateFailed")]
    assert "f1 0.71" in api.kubectl("describe", "det", "told")


async def test_a_watch_lists_and_then_tells_each_change(client: Kubernetes) -> None:
    await client.apply(CONFIG_MAPS, _settings("watched", a="1"))
    async with contextlib.aclosing(client.watch(CONFIG_MAPS, NAMESPACE)) as watched:
        first = await _next(watched)
        assert isinstance(first, Listed)
        assert "watched" in {each["metadata"]["name"] for each in first.objects}
        await client.apply(CONFIG_MAPS, _settings("watched", a="2"))
        await client.delete(CONFIG_MAPS, "watched", NAMESPACE)
        told = [await _next(watched), await _next(watched)]
    assert [each.change for each in told if isinstance(each, Changed)] == ["MODIFIED", "DELETED"]


async def test_a_watch_goes_on_when_the_server_ends_it(client: Kubernetes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.clients.kubernetes_watch._SERVER_SECONDS", 1)
    async with contextlib.aclosing(client.watch(CONFIG_MAPS, NAMESPACE)) as watched:
        assert isinstance(await _next(watched), Listed)
        waiting = asyncio.ensure_future(_next(watched))
        await asyncio.sleep(2.5)
        await client.apply(CONFIG_MAPS, _settings("later"))
        told = await waiting
    assert isinstance(told, Changed)
    assert told.object["metadata"]["name"] == "later"


async def test_a_version_that_is_forgotten_is_made_up_for_by_listing_anew(
    client: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, times = client.list, 0

    async def of_long_ago(*args: Any) -> Page:
        nonlocal times
        times += 1
        page = await listed(*args)
        return Page(page.items, None, "1") if times == 1 else page

    monkeypatch.setattr(client, "list", of_long_ago)
    async with contextlib.aclosing(client.watch(DETECTORS, NAMESPACE)) as watched:
        assert isinstance(await _next(watched), Listed)
        assert isinstance(await _next(watched), Listed)
    assert times == 2


async def test_an_outage_is_told_once_and_made_up_for(
    api: ApiServer, client: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Line(api) as line:
        monkeypatch.setenv("KUBECONFIG", str(line.kubeconfig(tmp_path)))
        far = Kubernetes.from_environment("tests")
        async with contextlib.aclosing(far.watch(CONFIG_MAPS, NAMESPACE)) as watched:
            assert isinstance(await _next(watched), Listed)
            await line.cut()
            told = await _next(watched)
            assert isinstance(told, Away)
            assert told.problem.reason.code is Code.UNAVAILABLE
            with pytest.raises(VedetteError) as refused:
                await far.get(CONFIG_MAPS, "meanwhile", NAMESPACE)
            assert refused.value.reason.retryable
            await client.apply(CONFIG_MAPS, _settings("meanwhile"))
            await asyncio.sleep(2)
            await line.mend()
            back = await _next(watched)
        assert isinstance(back, Listed)
        assert "meanwhile" in {each["metadata"]["name"] for each in back.objects}
        await far.close()


class Line:
    """What lies between us and the API server: it can be cut."""

    def __init__(self, api: ApiServer) -> None:
        self._config = json.loads(api.kubeconfig.read_text())
        self._far = urlsplit(self._config["clusters"][0]["cluster"]["server"]).port
        self._port, self._writers = 0, set[asyncio.StreamWriter]()

    async def __aenter__(self) -> Line:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def kubeconfig(self, folder: Path) -> Path:
        self._config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._port}"
        written = folder / "kubeconfig"
        written.write_text(json.dumps(self._config))
        return written

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


async def _next(watched: Any) -> Watched:
    async with asyncio.timeout(30):
        found: Watched = await anext(watched)
        return found
