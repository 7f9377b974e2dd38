"""The parts of the whole appliance on one machine, from what was chosen. Called by main.py; starts nothing."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials
from appliance.standalone.layout import DataFolder
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service
from appliance.standalone.services import own
from appliance.standalone.services.minio import Minio
from appliance.standalone.services.nats import Nats
from appliance.standalone.services.own import Surroundings
from appliance.standalone.services.postgres import Postgres
from appliance.standalone.services.seaweedfs import SeaweedFS
from appliance.standalone.state import State, StoreKind


@dataclass(frozen=True)
class Workers:
    """How many of each kind run."""

    media: int = 1
    detector: int = 1

    @property
    def count(self) -> int:
        return self.media + self.detector


@dataclass(frozen=True)
class Parts:
    servers: tuple[Service, ...]
    own: tuple[Service, ...]
    around: Surroundings


def plan(data: DataFolder, state: State, workers: Workers) -> Parts:
    """Raises VedetteError(UNAVAILABLE) when the program of a server is missing."""
    credentials = Credentials(data.secrets)
    store = _store(data, state, credentials)
    nats = Nats(data.nats, state.nats_port, credentials)
    postgres = Postgres(data.postgres, state.postgres_port, credentials)
    around = Surroundings(
        postgres.url(), store.settings(), nats.settings(), data.work, state.api_port, data.path, state.metrics_ports
    )
    own_parts = own_processes(around, workers)
    return Parts((postgres.service(), nats.service(), store.service()), own_parts, around)


def own_processes(around: Surroundings, workers: Workers) -> tuple[Service, ...]:
    """The API and the workers, for servers that may be anywhere; workers beyond the ports given have no metrics."""
    processes, ports = [own.api(around)], iter(around.metrics_ports)
    # Decoding is bound by bytes, inference by arithmetic: each kind may use the whole machine while the other rests.
    for count, kind, module in (
        (workers.media, "media", "appliance.media.worker"),
        (workers.detector, "detector", "appliance.inference.worker"),
    ):
        settings = {"VEDETTE_WORK_THREADS": own.threads_for(count)}
        processes += [own.worker(around, f"{kind}-{i + 1}", module, settings, next(ports, 0)) for i in range(count)]
    return tuple(processes)


def _store(data: DataFolder, state: State, credentials: Credentials) -> Minio | SeaweedFS:
    origins = (f"http://{LOOPBACK}:{state.api_port}", f"http://localhost:{state.api_port}")
    if state.store is StoreKind.SEAWEEDFS:
        return SeaweedFS(data.store, state.store_ports, credentials, origins)
    if binaries.minio() is None:
        raise VedetteError(
            Code.UNAVAILABLE,
            f"The objects in {data.store} are MinIO's, and MinIO {binaries.MINIO_VERSION} is not in the cache.",
            "Build it again: scripts/build_minio.sh",
        )
    return Minio(data.store, state.store_ports[0], credentials, origins)
