"""The data folder, its state, its logs: small decisions on real files."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import checks, lock, log_files, state
from appliance.standalone.credentials import Credentials, write_private
from appliance.standalone.layout import DataFolder
from appliance.standalone.status import now


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(VedetteError, match=r"holds other files, thesis\.doc for one") as error:
        checks.use_folder(DataFolder(tmp_path))
    assert error.value.reason.code is Code.INVALID
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(VedetteError, match="is not a folder"):
            checks.use_folder(DataFolder(path))


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "a" / "b")
    checks.use_folder(data)
    checks.use_folder(data)
    assert data.path.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 200_000_000))
    with pytest.raises(VedetteError, match=r"Only 0\.2 GB are free") as error:
        checks.require_room(DataFolder(tmp_path))
    assert error.value.reason.code is Code.DISK


def test_the_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VEDETTE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert DataFolder.of(None).path == tmp_path / "vedette"
    monkeypatch.setenv("VEDETTE_DATA", str(tmp_path / "mine"))
    assert DataFolder.of(None).path == tmp_path / "mine"
    assert DataFolder.of(tmp_path / "given").path == tmp_path / "given"


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    assert not lock.is_held(data)
    with lock.held(data):
        assert lock.is_held(data)
        with pytest.raises(VedetteError, match="already runs"), lock.held(data):
            pass
    assert not lock.is_held(data)


def test_ports_stay_the_same_unless_taken(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    first = state.choose(data, None)
    assert state.choose(data, None) == first
    assert data.state.stat().st_mode & 0o777 == 0o600
    with socket.create_server(("127.0.0.1", first.nats_port)):
        second = state.choose(data, None)
    assert second.nats_port != first.nats_port
    assert (second.postgres_port, second.store_ports) == (first.postgres_port, first.store_ports)
    taken = [second.api_port, second.nats_port, second.postgres_port, *second.store_ports]
    assert len(set(taken)) == len(taken)


def test_a_store_is_never_changed_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataFolder(tmp_path)
    monkeypatch.setattr("appliance.standalone.binaries.minio", lambda: None)
    assert state.choose(data, None).store is state.StoreKind.SEAWEEDFS
    monkeypatch.undo()
    assert state.choose(data, None).store is state.StoreKind.SEAWEEDFS


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(VedetteError, match=r"state\.json cannot be read"):
        state.choose(DataFolder(tmp_path), None)


def test_credentials_are_random_private_and_kept(tmp_path: Path) -> None:
    one, other = Credentials(tmp_path / "one"), Credentials(tmp_path / "other")
    assert one.secret("a") == Credentials(tmp_path / "one").secret("a")
    assert len({one.secret("a"), one.secret("b"), other.secret("a")}) == 3
    assert (tmp_path / "one" / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o644)
    write_private(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "new"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_logs_are_cut_while_they_are_written_to(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "part.log"
    with log_files.open_for(path, "part starts", now()) as log:
        for turn in range(5):
            os.write(log.fileno(), f"turn {turn}\n".encode() * 100)
            log_files.rotate(path, limit_bytes=500)
        os.write(log.fileno(), b"last\n")
    kept = sorted(p.name for p in path.parent.iterdir())
    assert kept == ["part.log", "part.log.1", "part.log.2", "part.log.3"]
    assert path.read_bytes() == b"last\n"
    assert (path.parent / "part.log.1").read_text() == "turn 4\n" * 100
    assert (path.parent / "part.log.3").read_text() == "turn 2\n" * 100
    assert all(p.stat().st_mode & 0o077 == 0 for p in path.parent.iterdir())


def test_last_words(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    assert log_files.last_words(path) == "it said nothing"
    path.write_text("one\nFATAL: no\n\n=== 2026 part starts\n")
    assert log_files.last_words(path) == "FATAL: no"
    assert log_files.tail(path, 2) == ["", "=== 2026 part starts"]
    assert log_files.tail(path, 0) == []
    path.write_text("=== starts\nFATAL: no memory\nLOG: shut down\n")
    assert log_files.last_words(path) == "FATAL: no memory"
