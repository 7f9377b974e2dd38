"""API processes as an operator runs them: several beside each other, on the same servers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx

from appliance.api import admin
from appliance.api.settings import ApiSettings
from appliance.clients.messaging import Messaging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.base import Contract
from appliance.standalone.ports import free_ports
from tests.conftest import MessagingServer, StoreServer


@dataclass
class Nodes:
    """A client for each, with the same token; `link` opens a session once, for who follows it."""

    clients: list[httpx.Client]
    link: str
    messaging: MessagingSettings
    processes: list[subprocess.Popen[bytes]]
    logs: list[Path]
    database_url: str = field(repr=False)

    def publish(self, subject: str, message: Contract, message_id: str) -> None:
        """As a worker does."""

        async def say() -> None:
            messaging = await Messaging.connect(self.messaging, "test-worker")
            try:
                await messaging.publish(subject, message, message_id)
            finally:
                await messaging.close()

        asyncio.run(say())

    def until(self, item: UUID | str, state: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = self.clients[0].get(f"/api/items/{item}").json()
            if found["state"] == state:
                return
            time.sleep(0.05)
        raise AssertionError(f"the item is {found['state']}, not {state}")


@contextmanager
def nodes(
    count: int, database_url: str, nats: MessagingServer, store: StoreServer, folder: Path, **settings: str
) -> Iterator[Nodes]:
    """`count` of them, each on a port of its own, all behind the address of the first."""
    ports = free_ports(count)
    public = f"http://127.0.0.1:{ports[0]}"
    environment = {
        **os.environ,
        **nats.environment,
        **store.environment,
        **settings,
        "VEDETTE_DATABASE_URL": database_url,
        "VEDETTE_API_PUBLIC_URL": public,
    }
    logs = [folder / f"api-{port}.log" for port in ports]
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(environment, *one)) for one in zip(ports, logs, strict=True)]
        for port, log in zip(ports, logs, strict=True):
            _wait(f"http://127.0.0.1:{port}/readyz", log)
        bearer = {"Authorization": f"Bearer {asyncio.run(admin.create_token(database_url))}"}
        link = asyncio.run(admin.create_link(database_url, ApiSettings(public_url=public)))
        clients = [
            stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer, timeout=30))
            for port in ports
        ]
        yield Nodes(clients, link.url, nats.settings, processes, logs, database_url)


@contextmanager
def _started(environment: dict[str, str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.api.main"],
            env={**environment, "VEDETTE_API_PORT": str(port)},
            stdout=stream,
            stderr=stream,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(address: str, log: Path) -> None:
    deadline = time.monotonic() + 180  # three start at once, on a machine that may be busy
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
