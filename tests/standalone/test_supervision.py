"""The supervisor with the real servers: what is killed comes back, and what is stopped leaves nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts.errors import Code
from appliance.standalone import down as downing
from appliance.standalone import parts, state, status
from appliance.standalone.layout import DataFolder
from appliance.standalone.services.own import Surroundings
from tests.servers import temporary_folder
from tests.standalone.supervised import Supervised, left_of, supervised, until

pytestmark = pytest.mark.stack

SERVERS = ("postgres", "nats", "store")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with temporary_folder() as found:
        yield found / "data"


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Supervised]:
    with supervised(folder) as found:
        yield found.ready()


def _around(data: DataFolder) -> Surroundings:
    chosen = state.load(data)
    assert chosen is not None
    return parts.plan(data, chosen, parts.Workers()).around


def _store(data: DataFolder) -> ObjectStore:
    return ObjectStore(_around(data).store)


def _query(data: DataFolder, statement: str) -> object:
    with psycopg.connect(_around(data).database_url.replace("+psycopg", ""), connect_timeout=5) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def test_status_tells_of_each_part(running: Supervised) -> None:
    found = running.status
    assert found.ready
    assert found.supervisor == running.process.pid
    assert [part.name for part in found.parts] == list(SERVERS)
    for part in found.parts:
        assert part.state is status.PartState.READY
        assert part.process_id is not None
        assert psutil.pid_exists(part.process_id)
        assert part.ports
        assert part.started_at is not None
        assert (part.memory_bytes or 0) > 1 << 20


def test_files_are_private(running: Supervised) -> None:
    data = running.data
    for path in (data.path, data.secrets, data.logs, data.postgres / "cluster", *data.secrets.iterdir(), data.status):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_in_any_command_line_or_log(running: Supervised) -> None:
    secrets = [path.read_text() for path in running.data.secrets.iterdir()]
    assert len(secrets) >= 5
    texts = [" ".join(process.cmdline()) for process in running.family()]
    texts += [path.read_text(errors="replace") for path in running.data.logs.iterdir()]
    texts += [running.data.status.read_text(), running.data.state.read_text()]
    assert len(texts) > 6
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_a_second_up_is_refused(running: Supervised) -> None:
    with supervised(running.data.path) as second:
        reason = second.refused()
    assert reason.code is Code.CONFLICT
    assert reason.message == f"Vedette already runs on {running.data.path}."
    assert running.all_ready()


@pytest.mark.parametrize("name", SERVERS)
def test_a_part_that_is_killed_comes_back_with_its_data(running: Supervised, name: str) -> None:
    store = _store(running.data)
    store.ensure_bucket()
    store.put_bytes(f"kept/{name}", name.encode(), "text/plain")
    _query(running.data, f"CREATE TABLE kept_{name} AS SELECT 42 AS answer")
    before = running.part(name)
    assert before.process_id is not None
    psutil.Process(before.process_id).kill()
    until(lambda: running.came_back(before))
    after = running.part(name)
    assert after.restarts == before.restarts + 1
    assert after.ports == before.ports
    assert store.get_bytes(f"kept/{name}", 100) == name.encode()
    assert _query(running.data, f"SELECT answer FROM kept_{name}") == (42,)


def test_killed_again_and_again_it_still_comes_back(running: Supervised) -> None:
    for _ in range(5):
        before = running.part("nats")
        psutil.Process(before.process_id).kill()
        until(lambda gone=before: running.came_back(gone))  # type: ignore[misc]


def test_a_part_that_hangs_is_ended_and_started_again(running: Supervised) -> None:
    """Stopped, it neither answers nor hears a polite word."""
    before = [running.part(name) for name in ("postgres", "nats")]
    for part in before:
        assert part.process_id is not None
        psutil.Process(part.process_id).suspend()
    for part in before:
        until(lambda gone=part: running.came_back(gone))  # type: ignore[misc]


def test_nothing_outlives_a_supervisor_that_is_killed(folder: Path) -> None:
    with temporary_folder() as other:
        with supervised(other / "data") as first:
            first.ready()
            data, port = first.data, first.status.url
            _query(data, "CREATE TABLE kept AS SELECT 7 AS answer")
            family = first.family()
            assert len(family) > len(SERVERS)
            first.process.kill()
            first.process.wait()
            _, alive = psutil.wait_procs(family, timeout=15)
            assert alive == []
            assert left_of(data) == []
            assert status.read(data) is None
        with supervised(other / "data") as second:  # what the killed one left is no obstacle
            second.ready()
            assert second.status.url == port
            assert _query(data, "SELECT answer FROM kept") == (7,)


def test_a_stale_note_of_postgres_is_no_obstacle(running: Supervised) -> None:
    """After kill -9 and a reboot its process number may belong to another program."""
    note = running.data.postgres / "cluster" / "postmaster.pid"
    with temporary_folder() as other, supervised(other / "data") as first:
        first.ready()
        first.stop()
        lines = note.read_text().splitlines()
        (first.data.postgres / "cluster" / "postmaster.pid").write_text("\n".join(["1", *lines[1:]]) + "\n")
        with supervised(other / "data") as second:
            second.ready()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_leaves_nothing(number: signal.Signals) -> None:
    with temporary_folder() as other, supervised(other / "data") as one:
        one.ready()
        data = one.data
        assert one.stop(number) == 0
        assert left_of(data) == []
        assert not data.status.exists()
        assert not (data.postgres / "cluster" / "postmaster.pid").exists()
        assert [path for path in data.path.rglob("*") if path.is_socket()] == []


def test_told_to_stop_while_it_starts() -> None:
    with temporary_folder() as other, supervised(other / "data") as one:
        until(lambda: status.read(one.data) is not None)
        assert one.stop(signal.SIGINT) == 0
        assert left_of(one.data) == []


def test_down_stops_it_and_says_whether_it_ran() -> None:
    with temporary_folder() as other, supervised(other / "data") as one:
        one.ready()
        assert downing.down(one.data)
        assert one.process.wait(10) == 0
        assert left_of(one.data) == []
        assert not downing.down(one.data)
        assert not downing.down(DataFolder(other / "never"))


def test_down_ends_what_a_killed_supervisor_may_have_left() -> None:
    """A grandchild in a session of its own, which no signal of the kernel's reaches."""
    with temporary_folder() as other:
        data = DataFolder.of(other / "data")
        data.path.mkdir()
        orphan = subprocess.Popen(["sleep", "300"], env={"VEDETTE_STANDALONE": data.mark}, start_new_session=True)
        until(lambda: left_of(data) != [])
        assert downing.down(data)
        assert not psutil.pid_exists(orphan.pid)
        orphan.wait(5)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, temporary_folder() as other:
        port = taken.getsockname()[1]
        with supervised(other / "data", "--port", str(port)) as one:
            reason = one.refused()
    assert (reason.code, reason.message) == (Code.CONFLICT, f"Port {port} is taken by another program.")


def test_a_part_that_cannot_start_is_told_with_its_last_words() -> None:
    with temporary_folder() as other, supervised(other / "data", "--broken") as one:
        reason = one.refused()
        assert left_of(one.data) == []
    assert reason.message == ("The part `broken` does not start; its last words were: my configuration is missing")
    assert reason.remedy == f"Read {other / 'data' / 'logs' / 'broken.log'}."
