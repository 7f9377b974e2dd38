"""What verbs decide without a server: which files, which windows, when to stop waiting, how to print."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.cli import output, waiting
from appliance.cli.dataset.snapshot import selection
from appliance.cli.item import sources
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import PixelWindow


def test_a_folder_is_all_it_holds_but_hidden_files(tmp_path: Path) -> None:
    for name in ("a.tif", "deep/er/b.tif", ".hidden", ".git/c.tif"):
        path = tmp_path / "scenes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = sources.find([tmp_path / "scenes"])
    assert [source.name for source in found] == ["a.tif", "deep/er/b.tif"]


def test_a_file_named_twice_is_pushed_once(tmp_path: Path) -> None:
    scene = tmp_path / "a.tif"
    scene.write_bytes(b"x")
    assert len(sources.find([scene, scene])) == 1


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.tif").write_bytes(b"x")
    with pytest.raises(VedetteError, match="would both be item") as caught:
        sources.find([tmp_path / "one" / "a.tif", tmp_path / "two" / "a.tif"])
    assert caught.value.reason.code is Code.CONFLICT


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(VedetteError, match="There is no file"):
        sources.find([tmp_path / "pipe"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(VedetteError, match="holds no files"):
        sources.find([tmp_path / "empty"])


def test_windows_belong_to_their_item() -> None:
    parts = selection(["a.tif"], ["0,0,10,20", "5,6,7,8"])
    assert parts is not None
    assert parts[0].name == "a.tif"
    assert parts[0].windows == [
        PixelWindow(x=0, y=0, width=10, height=20),
        PixelWindow(x=5, y=6, width=7, height=8),
    ]
    several = selection(["a.tif@0,0,4,4", "b.tif", "a.tif@4,0,4,4"], [])
    assert several is not None
    assert [(part.name, len(part.windows)) for part in several] == [("a.tif", 2), ("b.tif", 0)]
    assert selection([], []) is None


@pytest.mark.parametrize(
    ("items", "windows"),
    [([], ["0,0,1,1"]), (["a", "b"], ["0,0,1,1"]), (["a"], ["0,0,1"]), (["a"], ["0,0,-1,1"]), (["a"], ["0,0,0,1"])],
)
def test_windows_that_mean_nothing_are_refused(items: list[str], windows: list[str]) -> None:
    with pytest.raises(VedetteError) as caught:
        selection(items, windows)
    assert caught.value.reason.code is Code.INVALID


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_waiting_ends_when_it_is_over_or_too_long() -> None:
    clock = Clock()
    patience = waiting.Patience(30, clock, clock.sleep)
    assert patience.until("it", lambda: clock.now, lambda now: now > 10) > 10
    with pytest.raises(VedetteError, match="is not done after 30 seconds") as caught:
        patience.until("it", lambda: None, lambda _: False)
    assert caught.value.reason.code is Code.UNAVAILABLE
    assert 30 <= clock.now < 32


def test_a_server_that_restarts_is_waited_for_but_not_for_ever() -> None:
    clock = Clock()
    down = VedetteError(Code.UNAVAILABLE, "Nothing answers.", retryable=True)

    def ask(back_at: float) -> str:
        if clock.now < back_at:
            raise down
        return "here"

    assert waiting.Patience(600, clock, clock.sleep).until("it", lambda: ask(20), lambda _: True) == "here"
    with pytest.raises(VedetteError, match="Nothing answers"):
        waiting.Patience(600, clock, clock.sleep).until("it", lambda: ask(1e9), lambda _: True)
    assert clock.now < 100


def test_an_error_that_will_not_pass_is_raised_at_once() -> None:
    clock = Clock()

    def gone() -> None:
        raise VedetteError(Code.NOT_FOUND, "There is no such item.")

    with pytest.raises(VedetteError, match="no such item"):
        waiting.Patience(600, clock, clock.sleep).until("it", gone, lambda _: True)
    assert clock.now == 0


def test_tables_are_aligned_and_sizes_are_readable() -> None:
    assert output.align(("name", "n"), [("a", "10"), ("longer", "2")]) == "NAME    N\na       10\nlonger  2"
    assert [output.size(n) for n in (999, 1500, 2_500_000, 3 * 10**12)] == ["999 B", "1.5 kB", "2.5 MB", "3.0 TB"]
