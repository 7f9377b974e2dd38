"""The appliance's own processes: the API and the workers. Their settings go through the environment, never the command.

Imports none of them: each is a process of its own, `python -m ...`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from appliance.clients.messaging import Messaging
from appliance.clients.settings import MessagingSettings, StoreSettings
from appliance.contracts.errors import VedetteError
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service

# -P: the working folder is no place to import from.
_PYTHON = (sys.executable, "-P", "-m")


@dataclass(frozen=True)
class Surroundings:
    """Where the servers are that our own processes use, and where those may put files."""

    database_url: str
    store: StoreSettings
    messaging: MessagingSettings
    work: Path
    api_port: int
    data: Path | None = None
    metrics_ports: tuple[int, ...] = ()
    """One for each worker, in the order in which they are made; a worker without one is not watched."""

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.api_port}"

    def environment(self, *, database: bool) -> dict[str, str]:
        """What a process of ours reads (clients/settings.py). Only the API is told of the database."""
        found = {
            "PYTHONUNBUFFERED": "1",
            "VEDETTE_STORE_ENDPOINT": self.store.endpoint,
            "VEDETTE_STORE_ACCESS_KEY": self.store.access_key.get_secret_value(),
            "VEDETTE_STORE_SECRET_KEY": self.store.secret_key.get_secret_value(),
            "VEDETTE_STORE_BUCKET": self.store.bucket,
            "VEDETTE_STORE_REGION": self.store.region,
            "VEDETTE_NATS_URL": self.messaging.url,
            "VEDETTE_NATS_USER": self.messaging.user,
            "VEDETTE_NATS_PASSWORD": self.messaging.password.get_secret_value(),
        }
        if database:
            found["VEDETTE_DATABASE_URL"] = self.database_url
            found |= {"VEDETTE_API_HOST": LOOPBACK, "VEDETTE_API_PORT": str(self.api_port)}
            found["VEDETTE_API_PUBLIC_URL"] = self.url
            found["VEDETTE_API_WORK_FOLDER"] = str(self.work / "api")
            if self.data is not None:
                found["VEDETTE_API_DATA_FOLDER"] = str(self.data)
        return found


def api(around: Surroundings) -> Service:
    """It brings the database to this version's tables before it answers."""

    def answers(path: str) -> bool:
        try:
            return httpx.get(around.url + path, timeout=2.5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    return Service(
        name="api",
        command=(*_PYTHON, "appliance.api.main"),
        folder=around.work,
        environment=around.environment(database=True),
        ready=lambda _: answers("/readyz"),
        alive=lambda _: answers("/healthz"),
        after=("postgres", "nats", "store"),
        ports=(around.api_port,),
        prepare=lambda: around.work.mkdir(mode=0o700, parents=True, exist_ok=True),
        inherit=True,
        stop_seconds=10,
        ready_seconds=90,
    )


def worker(around: Surroundings, name: str, module: str, settings: Mapping[str, str], metrics_port: int = 0) -> Service:
    """One worker; ready once it has announced itself. Prometheus asks it on `metrics_port` of loopback."""
    folder = around.work / name
    settings = {**settings, "VEDETTE_WORK_FOLDER": str(folder), "VEDETTE_WORK_METRICS_PORT": str(metrics_port)}
    settings["VEDETTE_WORK_NAME"] = name

    def ready(process_id: int) -> bool:
        return process_id in (_announced(around.messaging) or ())

    def alive(process_id: int) -> bool:
        """While the queue is away, nothing can be said against a worker."""
        known = _announced(around.messaging)
        return known is None or process_id in known

    return Service(
        name=name,
        command=(*_PYTHON, module),
        folder=folder,
        environment={**around.environment(database=False), **settings},
        ready=ready,
        alive=alive,
        ports=(metrics_port,) if metrics_port else (),
        after=("nats", "store"),
        prepare=lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True),
        inherit=True,
        stop_seconds=15,
        ready_seconds=90,
        pause_seconds=0.25,
    )


def _announced(settings: MessagingSettings) -> list[int] | None:
    """Process ids of the workers; None when the queue does not answer."""

    async def ask() -> list[int]:
        messaging = await Messaging.connect(settings, "supervisor")
        try:
            return [worker.process_id for worker in await messaging.workers()]
        finally:
            await messaging.close()

    try:
        return asyncio.run(asyncio.wait_for(ask(), 2))
    except (VedetteError, TimeoutError):
        return None


def threads_for(workers: int) -> str:
    """How many threads each of `workers` workers may use: together no more than the machine has."""
    return str(max(1, len(os.sched_getaffinity(0)) // max(1, workers)))
