"""Single servers of the appliance, durable as `vedette up` starts them, in a temporary folder: stopped whatever happens.

Used by the benchmarks that measure one part. Knows nothing of what is measured.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance.api import admin
from appliance.api.migrate import migrate
from appliance.standalone import binaries, processes
from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import free_ports
from appliance.standalone.service import Service
from appliance.standalone.services.minio import Minio
from appliance.standalone.services.nats import Nats
from appliance.standalone.services.own import Surroundings
from appliance.standalone.services.postgres import DATABASE, Postgres
from appliance.standalone.services.seaweedfs import PORTS, SeaweedFS
from benchmarks.scenes import cache_folder


@contextmanager
def running(service: Service) -> Iterator[subprocess.Popen[bytes]]:
    """The service, ready; what it says is shown only where it does not become so."""
    service.prepare()
    with tempfile.TemporaryFile() as log:
        process = processes.start(service, log.fileno())
        try:
            if not processes.wait_ready(service, process):
                log.seek(0)
                raise SystemExit(f"{service.name} did not start:\n{log.read().decode(errors='replace')}")
            service.once_ready()
            yield process
        finally:
            processes.stop(process, service)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """On the disk of the cache: /tmp may be memory."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=cache_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """With a database of the API's, without tables."""
    cluster = Postgres(folder / "postgres", free_ports(1)[0], Credentials(folder / "secrets"))
    with running(cluster.service()):
        yield cluster


@contextmanager
def nats(folder: Path) -> Iterator[Nats]:
    server = Nats(folder / "nats", free_ports(1)[0], Credentials(folder / "secrets"))
    with running(server.service()):
        yield server


@contextmanager
def store(folder: Path) -> Iterator[Minio | SeaweedFS]:
    """MinIO where it was built, else SeaweedFS."""
    credentials = Credentials(folder / "secrets")
    server: Minio | SeaweedFS
    if binaries.minio() is None:
        server = SeaweedFS(folder / "store", tuple(free_ports(PORTS)), credentials)
    else:
        server = Minio(folder / "store", free_ports(1)[0], credentials)
    with running(server.service()):
        yield server


@contextmanager
def surroundings() -> Iterator[tuple[Surroundings, str]]:
    """All three, and a token of an administrator: what an API process and workers need, which `own` describes."""
    with temporary_folder() as folder, ExitStack() as stack:
        cluster, queue, objects = (stack.enter_context(start(folder)) for start in (postgres, nats, store))
        assert isinstance(cluster, Postgres)
        assert isinstance(queue, Nats)
        assert isinstance(objects, Minio | SeaweedFS)
        url = cluster.url(DATABASE)
        migrate(url)
        around = Surroundings(url, objects.settings(), queue.settings(), folder / "work", free_ports(1)[0])
        yield around, asyncio.run(admin.create_token(url))
