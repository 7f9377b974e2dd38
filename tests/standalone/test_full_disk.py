"""NATS and a disk that was full for a while: the supervisor must see that it no longer stores, for it does not say so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
import pytest

from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import free_ports
from appliance.standalone.services.nats import Nats
from tests.servers import running, temporary_folder
from tests.small_disk import filled, small_disk


async def _stored(server: Nats) -> bool:
    settings = server.settings()
    password = settings.password.get_secret_value()
    connection = await nats.connect(settings.url, user=settings.user, password=password)
    try:
        stream = connection.jetstream()
        await stream.add_stream(name="work", subjects=["work.>"])
        await stream.publish("work.one", bytes(100_000), timeout=2)
    except (nats.errors.Error, nats.js.errors.Error):
        return False
    finally:
        await connection.close()
    return True


def test_a_stream_that_met_a_full_disk_counts_as_hung_and_comes_back_with_the_process() -> None:
    with temporary_folder() as folder, small_disk(folder / "disk", "64m") as mounted:
        if not mounted:
            pytest.skip("mounting a small disk needs root, or sudo without a password")
        server = Nats(folder / "disk" / "nats", free_ports(1)[0], Credentials(folder / "secrets"))
        with running(server.service(), folder) as process:
            assert asyncio.run(_stored(server))
            assert server.service().alive(process.pid)
            with filled(Path(folder / "disk")):
                assert not asyncio.run(_stored(server))
            assert not asyncio.run(_stored(server))  # also with room again: this is why it is asked of
            assert not server.service().alive(process.pid)
            process.kill()
            process.start()
            assert server.service().alive(process.pid)
            assert asyncio.run(_stored(server))
