"""`python -m appliance.api.main`: the composition root of the API process.

Reads the settings, brings the database up to date (or waits until another did), connects to the servers, starts the background work, and serves until
it is told to stop. Several such processes may run side by side: none holds a truth of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import uvicorn
from pydantic import ValidationError

from appliance.api.app import create_app
from appliance.api.background.cluster import parts as cluster_parts
from appliance.api.background.placer import Placer
from appliance.api.background.publisher import Publisher
from appliance.api.background.reconciler import Reconciler
from appliance.api.background.removals import Removals
from appliance.api.background.reports import ReportConsumer
from appliance.api.background.tasks import running
from appliance.api.migrate import migrate, wait
from appliance.api.services import Services
from appliance.api.services.cluster import Cluster
from appliance.api.services.ingest import Ingest
from appliance.api.services.item_reports import ItemReports
from appliance.api.services.run_reports import RunReports
from appliance.api.settings import ApiSettings
from appliance.api.storage.database import Database
from appliance.clients import logging, spans
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.private_folder import private_folder
from appliance.clients.settings import DatabaseSettings, MessagingSettings, StoreSettings
from appliance.contracts.errors import VedetteError

_GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Tells the event streams to end when the process is asked to: uvicorn waits for open connections first."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def working_in(folder: Path | None) -> Iterator[None]:
    """Temporary files of this process lie there, in a folder of its own; those of processes that were killed go."""
    if folder is None:
        yield
        return
    before = tempfile.tempdir
    with private_folder(folder) as own:
        tempfile.tempdir = str(own)
        try:
            yield
        finally:
            tempfile.tempdir = before


async def serve(settings: ApiSettings, database_url: str, store: StoreSettings, messaging: MessagingSettings) -> None:
    """Run until SIGINT or SIGTERM. Raises VedetteError when a server does not answer at the start."""
    if settings.migrate:
        await asyncio.to_thread(migrate, database_url)
    else:
        await asyncio.to_thread(wait, database_url, settings.migrate_wait_seconds)
    objects = ObjectStore(store)
    await asyncio.to_thread(objects.ensure_bucket)
    messages = await Messaging.connect(messaging, "api")
    database, cluster = Database(database_url), Cluster.from_environment(settings.kubernetes_namespace)
    try:
        await messages.ensure_streams()
        stopping = asyncio.Event()
        services = Services.build(settings, database, messages, objects, stopping, cluster)
        ingest = Ingest(database, objects)
        background = running(
            Publisher(database, messages),
            ReportConsumer(messages, ItemReports(database), RunReports(database, ingest)),
            Reconciler(database, settings, ingest, services, messages),
            Removals(database, objects),
            Placer(database, messages, services.roster),
            services.roster,
            cluster_parts(cluster, database, messages, objects),
        )
        app = create_app(services, store.public_endpoint or store.endpoint)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        async with background, services.health.watching():
            logging.get().info("serving", address=settings.origin)
            await Server(config, stopping).serve()
        services.raster_tiles.close()
    finally:
        await messages.close()
        await database.close()
        if cluster is not None:
            await cluster.close()


def main() -> int:
    try:
        settings = ApiSettings()
        logging.configure("api", settings.log_format)
        database_url = DatabaseSettings().url.get_secret_value()
        with spans.switched_on("api"), working_in(settings.work_folder):
            asyncio.run(serve(settings, database_url, StoreSettings(), MessagingSettings()))
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    except ValidationError as error:
        names = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        print(f"The settings of {error.title} are not right: {names}. Set the VEDETTE_* variables.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
