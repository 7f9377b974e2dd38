"""The API in this process, over real PostgreSQL, NATS and an object store; background work is stepped by the tests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from psycopg import sql

from appliance.api import admin
from appliance.api.app import create_app
from appliance.api.background.placer import Placer
from appliance.api.background.publisher import Publisher
from appliance.api.background.reconciler import Reconciler
from appliance.api.background.removals import Removals
from appliance.api.background.reports import ReportConsumer
from appliance.api.migrate import migrate
from appliance.api.services import Services
from appliance.api.services.ingest import Ingest
from appliance.api.services.item_reports import ItemReports
from appliance.api.services.run_reports import RunReports
from appliance.api.settings import ApiSettings
from appliance.api.storage.database import Database
from appliance.clients import logging
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.standalone.services.postgres import ROLE
from tests.api.appliance_under_test import ADDRESS, Appliance
from tests.conftest import DatabaseServer, MessagingServer, StoreServer


@pytest.fixture(scope="session")
def migrated_template(new_database: Callable[[], str]) -> str:
    """A database with our tables, to be copied: faster than migrating one for each test."""
    logging.configure("test")
    url = new_database()
    migrate(url)
    return url.rsplit("/", 1)[1]


@pytest.fixture
def migrated_url(postgres: DatabaseServer, migrated_template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(migrated_template), "role": sql.Identifier(ROLE)}
    with postgres.cluster.administrator() as connection:
        made = "CREATE DATABASE {name} TEMPLATE {template} OWNER {role} STRATEGY file_copy"
        connection.execute(sql.SQL(made).format(**names))
    yield postgres.cluster.url(name)
    with postgres.cluster.administrator() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def settings(page_folder: Path) -> ApiSettings:
    return ApiSettings(public_url=ADDRESS, page_folder=page_folder, part_size_bytes=5 << 20, sign_in_failures=3)


@pytest.fixture
async def api(
    migrated_url: str, settings: ApiSettings, nats_server: MessagingServer, object_store: StoreServer
) -> AsyncIterator[Appliance]:
    store = ObjectStore(object_store.settings)
    await asyncio.to_thread(store.ensure_bucket)
    messaging = await Messaging.connect(nats_server.settings, "test-api")
    await messaging.ensure_streams()
    database, stopping = Database(migrated_url), asyncio.Event()
    services = Services.build(settings, database, messaging, store, stopping)
    ingest = Ingest(database, store)
    token = await admin.create_token(migrated_url)
    transport = httpx.ASGITransport(create_app(services, object_store.settings.endpoint), raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(
            transport=transport, base_url=ADDRESS, headers={"Authorization": f"Bearer {token}"}
        ) as client,
        httpx.AsyncClient(transport=transport, base_url=ADDRESS) as stranger,
        httpx.AsyncClient() as outside,
    ):
        yield Appliance(
            client=client,
            stranger=stranger,
            outside=outside,
            services=services,
            database=database,
            messaging=messaging,
            store=store,
            stopping=stopping,
            url=migrated_url,
            publisher=Publisher(database, messaging),
            reports=ReportConsumer(messaging, ItemReports(database), RunReports(database, ingest)),
            reconciler=Reconciler(database, settings, ingest, services, messaging),
            removals=Removals(database, store),
            placer=Placer(database, messaging, services.roster),
        )
    services.raster_tiles.close()
    await messaging.close()
    await database.close()
