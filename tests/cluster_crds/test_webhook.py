"""The webhook asked by a real API server, over TLS, by certificates it made itself; replicas agree, and a dead one blocks nobody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from vedette_operator.webhook.certificates import certified
from vedette_operator.webhook.keeper import CONFIGURATIONS, Keeper
from vedette_operator.webhook.renewal import AUTHORITY_VALID, HEARD
from vedette_operator.webhook.server import PATH, Webhook, made
from vedette_operator.webhook.settings import WebhookSettings

from appliance.clients.kubernetes import Kubernetes
from appliance.clients.kubernetes_kinds import DETECTORS, SECRETS, TRAINING_JOBS, Manifest
from appliance.standalone.ports import LOOPBACK, free_ports
from tests.cluster_crds.api_server import ApiServer, KubectlError
from tests.contracts.wrong import changed, example

_HOST = "localhost"
_RULES: list[dict[str, Any]] = [
    {"resources": ["trainingjobs"], "operations": ["CREATE", "UPDATE"]},
    {"resources": ["detectors"], "operations": ["DELETE"]},
]


@pytest.fixture
async def client(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kubernetes]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    found = Kubernetes.from_environment("tests")
    yield found
    await found.close()


@pytest.fixture
def settings(api: ApiServer) -> Iterator[WebhookSettings]:
    """Registered at a loopback port that nobody listens on yet."""
    port = free_ports(1)[0]
    name = f"hook-{port}"
    common = {"apiGroups": ["vedette.io"], "apiVersions": ["v1alpha1"], "scope": "Namespaced"}
    webhook = {
        "name": "resources.vedette.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "timeoutSeconds": 5,
        "clientConfig": {"url": f"https://{_HOST}:{port}{PATH}"},
        "rules": [common | each for each in _RULES],
    }
    about = {"apiVersion": CONFIGURATIONS.api_version, "kind": CONFIGURATIONS.kind, "metadata": {"name": name}}
    api.kubectl("create", "-f", "-", given={**about, "webhooks": [webhook]})
    yield WebhookSettings(configuration=name, secret=name, host=LOOPBACK, port=port, look_seconds=0.2)
    api.kubectl("delete", CONFIGURATIONS.plural, name)
    api.kubectl("delete", "secret", name, "--ignore-not-found")
    api.kubectl("delete", "det,tj", "--all")


def _now() -> datetime:
    return datetime.now(UTC)


def _keeper(client: Kubernetes, settings: WebhookSettings, clock: Callable[[], datetime] = _now) -> Keeper:
    return Keeper(client, settings, (_HOST,), clock)


@contextlib.asynccontextmanager
async def _serving(keeper: Keeper, *known: Manifest) -> AsyncIterator[list[Manifest]]:
    """A replica that answers; what it knows of may be added to."""
    held = list(known)
    task = asyncio.create_task(Webhook(keeper, lambda: held).run())
    try:
        async with asyncio.timeout(20):
            while not await _answers(keeper.settings.port):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.05)
        yield held
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _detector(version: str) -> Manifest:
    found: Manifest = changed(
        example("detector"), {"spec/model/storageUri": f"s3://vedette/models/tree-crowns/{version}"}
    )
    return found


def _training(name: str) -> Manifest:
    found: Manifest = changed(example("trainingjob"), {"metadata/name": name})
    return found


async def _told(api: ApiServer, *words: str, given: Any = None) -> str:
    """What kubectl says, warnings and all, as somebody would read it."""
    return await asyncio.to_thread(api.said, *words, given=given)


async def test_what_spans_objects_is_refused_or_warned_of(
    api: ApiServer, client: Kubernetes, settings: WebhookSettings
) -> None:
    async with _serving(_keeper(client, settings)) as known:
        said = await _told(api, "apply", "-f", "-", given=_training("first"))
        assert "Warning: spec.publish.detectorRef: there is no Detector tree-crowns yet." in said
        known.append(await client.get(TRAINING_JOBS, "first"))
        with pytest.raises(
            KubectlError, match=r"TrainingJob first publishes tree-crowns 1\.5\.0 already\. Give publish"
        ):
            await _told(api, "apply", "-f", "-", given=_training("second"))
        await _told(api, "apply", "-f", "-", given=_detector("1.4.0"))
        known.append(await client.get(DETECTORS, "tree-crowns"))
        assert "Warning: TrainingJob first will hand its model package over" in await _told(
            api, "delete", "det", "tree-crowns"
        )


async def test_a_change_that_the_rules_do_not_mind_passes(
    api: ApiServer, client: Kubernetes, settings: WebhookSettings
) -> None:
    async with _serving(_keeper(client, settings)) as known:
        await _told(api, "apply", "-f", "-", given=_training("first"))
        known += [await client.get(TRAINING_JOBS, "first"), _training("second")]
        await _told(api, "patch", "tj", "first", "--type=merge", "-p", '{"spec":{"suspend":true}}')
        assert (await client.get(TRAINING_JOBS, "first"))["spec"]["suspend"] is True


async def test_while_nobody_answers_nobody_is_blocked(
    api: ApiServer, client: Kubernetes, settings: WebhookSettings
) -> None:
    keeper = _keeper(client, settings)
    async with _serving(keeper, _training("first")):
        with pytest.raises(KubectlError, match="publishes"):
            await _told(api, "apply", "-f", "-", given=_training("second"))
    await _told(api, "apply", "-f", "-", given=_training("second"))


async def test_replicas_that_begin_together_agree_and_then_write_nothing(
    client: Kubernetes, settings: WebhookSettings
) -> None:
    found = await asyncio.gather(*(_keeper(client, settings).keep() for _ in range(4)))
    assert len({each.bundle for each in found}) == 1
    written = await client.get(SECRETS, settings.secret), await client.get(CONFIGURATIONS, settings.configuration)
    assert await _keeper(client, settings).keep() == found[0]
    assert written == (
        await client.get(SECRETS, settings.secret),
        await client.get(CONFIGURATIONS, settings.configuration),
    )
    told = written[1]["webhooks"][0]["clientConfig"]
    assert base64.b64decode(told["caBundle"]) == found[0].bundle
    assert told["url"].endswith(PATH)


async def test_its_certificate_is_for_the_names_of_its_service(client: Kubernetes, settings: WebhookSettings) -> None:
    found = certified(await made(client, settings, lambda: []).keeper.keep())
    assert found.hosts[0] == "vedette-operator.default.svc"


@pytest.mark.parametrize("data", [{}, {"tls.crt": base64.b64encode(b"broken").decode()}], ids=["empty", "broken"])
async def test_a_secret_without_certificates_is_filled(
    client: Kubernetes, settings: WebhookSettings, data: dict[str, str]
) -> None:
    """The chart makes it empty."""
    await client.create(SECRETS, {"metadata": {"name": settings.secret, "namespace": "default"}, "data": data})
    assert (await _keeper(client, settings).keep()).bundle


async def test_through_the_change_of_the_authority_the_api_server_always_trusts_whoever_serves(
    api: ApiServer, client: Kubernetes, settings: WebhookSettings
) -> None:
    now = _now() - AUTHORITY_VALID * 2 / 3
    clock = [now]
    keeper = _keeper(client, settings, lambda: clock[0])
    first = await keeper.keep()
    clock[0] = _now() - timedelta(days=1)  # the server's was made anew meanwhile; tomorrow the authority is due
    await keeper.keep()
    async with _serving(keeper, _training("first")):
        bundles, servers = set(), set()
        for ahead in (timedelta(days=-1), timedelta(0), HEARD):
            clock[0] = _now() + ahead
            found = await keeper.keep()
            bundles.add(found.bundle)
            servers.add(found.server.certificate)
            assert await _served(settings.port, found.server.certificate)
            with pytest.raises(KubectlError, match="publishes"):
                await _told(api, "apply", "-f", "-", given=_training("second"))
        assert len(bundles) == 2
        assert len(servers) == 2
        assert first.bundle in bundles


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[" * 100_000, 400), (b"{}", 400), (b" " * (9 << 20), 413)]
)
async def test_what_no_api_server_sends_is_answered_and_harms_nothing(
    client: Kubernetes, settings: WebhookSettings, body: bytes, status: int
) -> None:
    keeper = _keeper(client, settings)
    async with _serving(keeper):
        trusted = ssl.create_default_context(cadata=(await keeper.keep()).bundle.decode())
        async with httpx.AsyncClient(verify=trusted, base_url=f"https://{_HOST}:{settings.port}") as http:
            assert (await http.post(PATH, content=body)).status_code == status
            assert (await http.get(PATH)).status_code == 405


async def _served(port: int, certificate: bytes) -> bool:
    """Once the running server has taken it up: it looks five times a second here."""
    wanted = ssl.PEM_cert_to_DER_cert(certificate.decode())
    context = ssl._create_unverified_context()
    async with asyncio.timeout(20):
        while True:
            reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context)
            got = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()
            del reader
            if got == wanted:
                return True
            await asyncio.sleep(0.05)
