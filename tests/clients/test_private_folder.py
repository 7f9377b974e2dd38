"""Private folders, against a second process that starts at the worst instant: between the making and the locking of one."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.clients.private_folder import private_folder
from appliance.contracts.errors import Code, VedetteError

STARTS = "import sys, pathlib; from appliance.clients.private_folder import private_folder as p\n"
STARTS += "with p(pathlib.Path(sys.argv[1])): pass"


def intrude(parent: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> list[set[Path]]:
    """Let another process start, and end, before each of the first locks; answers what it left each time."""
    lock = fcntl.flock
    left: list[set[Path]] = []

    def late(descriptor: int, operation: int) -> None:
        if len(left) < times:
            subprocess.run([sys.executable, "-c", STARTS, str(parent)], check=True, timeout=60)
            left.append(set(parent.iterdir()))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    return left


def test_a_folder_removed_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = intrude(tmp_path, monkeypatch, times=2)
    with private_folder(tmp_path) as folder:
        assert left == [set(), set()]  # the other process did remove it, twice
        (folder / "work").write_text("unfinished")
        subprocess.run([sys.executable, "-c", STARTS, str(tmp_path)], check=True, timeout=60)
        assert (folder / "work").read_text() == "unfinished"
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_it_gives_up_where_every_folder_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intrude(tmp_path, monkeypatch, times=1000)
    with pytest.raises(VedetteError, match="remove every new folder") as raised, private_folder(tmp_path):
        raise AssertionError("a folder that is gone was handed out")
    assert raised.value.reason.code is Code.UNAVAILABLE
    assert raised.value.reason.retryable
    assert list(tmp_path.iterdir()) == []


def test_what_a_block_raises_passes_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), private_folder(tmp_path):
        raise KeyError("mine")
    assert list(tmp_path.iterdir()) == []
