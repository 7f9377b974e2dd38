"""The soak in short, as `make test` runs it; and that its verdict sees what it is for."""

from __future__ import annotations

import subprocess
import sys
import time
from uuid import UUID, uuid4

import pytest

from appliance.contracts.base import now
from appliance.contracts.detection import Detection, PixelBox, RunSummary
from appliance.contracts.item import Item, ItemState
from appliance.contracts.run import Progress, Run, RunState
from tests.servers import private_environment
from tests.small_disk import filled
from tests.soak.running import running
from tests.soak.schedule import PARTS, Kind, disturbances, shares
from tests.soak.verdict import Outcome, problems


@pytest.mark.stack
def test_every_run_is_finished_once_whatever_is_killed() -> None:
    command = [sys.executable, "-m", "tests.soak", "--short", "--seed", "2", "--minutes", "4"]
    done = subprocess.run(command, env=private_environment(), capture_output=True, text=True, timeout=280, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.stack
def test_a_part_that_ends_while_the_disk_is_full_ends_no_other() -> None:
    """PostgreSQL does when its checkpoint meets a full disk; what runs cannot even be written down then."""
    with running() as appliance:
        if not appliance.small_disk:
            pytest.skip("mounting a small disk needs root, or sudo without a password")
        with filled(appliance.data.path.parent):
            for process in appliance.family("postgres")[:1]:
                process.kill()
            time.sleep(2)
            assert appliance.process.poll() is None
        until = time.monotonic() + 120
        while unwell := appliance.unwell():
            assert time.monotonic() < until, unwell
            time.sleep(0.2)


@pytest.mark.parametrize("short", [True, False])
def test_every_part_is_killed_and_the_seed_decides_the_order(short: bool) -> None:
    planned = disturbances(7, 2, short)
    assert planned == disturbances(7, 2, short)
    assert planned != disturbances(8, 2, short)
    half = len(planned) // 2
    for each in (planned[:half], planned[half:]):
        assert {what.part for what in each if what.kind is Kind.KILL} == set(PARTS)
        assert {what.kind for what in each} >= {Kind.PAUSE, Kind.FILL, Kind.CUT, Kind.STALL}


def test_every_scene_is_in_one_share() -> None:
    names = [str(number) for number in range(13)]
    found = shares(names, 5)
    assert [name for share in found for name in share] == names
    assert {len(share) for share in found} == {2, 3}


def _outcome(
    *scores: float, name: str = "a.tif", state: RunState = RunState.SUCCEEDED, said: int | None = None
) -> Outcome:
    item_id, run = uuid4(), uuid4()
    item = Item(
        id=item_id,
        dataset_id=uuid4(),
        dataset="storm",
        name=name,
        state=ItemState.READY,
        size_bytes=1,
        sha256=f"sha256:{'0' * 64}",
        created_at=now(),
    )
    count = len(scores) if said is None else said
    summary = RunSummary(detections=count, tiles=1, tiles_skipped=0, megapixels=1, seconds=1)
    ended = Run(
        id=run,
        item_id=item_id,
        item_name=name,
        detector="crowns",
        version="1.0.0",
        state=state,
        progress=Progress(fraction=1),
        attempt=1,
        created_at=now(),
        summary=summary,
    )
    return Outcome([item], [ended], {str(run): [_detection(run, *one) for one in enumerate(scores)]})


def _detection(run: UUID, ordinal: int, score: float) -> Detection:
    box = PixelBox(x=1, y=1, width=2, height=2)
    return Detection(run_id=run, ordinal=ordinal, label="tree", score=score, box=box, geometry={})


def _together(*outcomes: Outcome) -> Outcome:
    return Outcome(
        [item for each in outcomes for item in each.items],
        [run for each in outcomes for run in each.runs],
        {run: found for each in outcomes for run, found in each.detections.items()},
    )


def test_the_same_content_is_well() -> None:
    assert problems(["a.tif"], _outcome(0.5, 0.6), _outcome(0.5, 0.6)) == []


@pytest.mark.parametrize(
    "storm",
    [
        Outcome([], [], {}),
        _outcome(0.5, 0.7),
        _outcome(0.5),
        _outcome(0.5, 0.6, said=3),
        _outcome(0.5, 0.6, state=RunState.FAILED),
        _together(_outcome(0.5, 0.6), _outcome(0.5, 0.6)),
        _together(_outcome(0.5, 0.6), _outcome(0.5, name="b.tif")),
    ],
    ids=["lost", "changed", "fewer", "miscounted", "failed", "twice", "nobody's"],
)
def test_what_is_lost_or_doubled_or_changed_is_told(storm: Outcome) -> None:
    assert problems(["a.tif"], _outcome(0.5, 0.6), storm)
