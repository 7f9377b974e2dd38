"""How many pods: more at once, fewer after a while, none when nothing waits and none is in work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from vedette_operator.reconcile.observed import Queue
from vedette_operator.reconcile.scaling import scale

from appliance.contracts.resources.detector_spec import Scaling
from appliance.contracts.resources.detector_status import ReplicaStatus
from tests.operator_reconcile.world import START

SCALING = Scaling(min_replicas=0, max_replicas=4, target_queued_megapixels=500, scale_down_after_seconds=300)


def _had(desired: int, low_for: float | None = None) -> ReplicaStatus:
    since = None if low_for is None else START - timedelta(seconds=low_for)
    return ReplicaStatus(desired=desired, ready=desired, low_since=since)


@pytest.mark.parametrize(
    ("waiting", "busy", "desired"), [(0, 0, 0), (1, 0, 1), (500, 0, 1), (501, 0, 2), (1e9, 0, 4), (0, 3, 1)]
)
def test_more_come_at_once(waiting: float, busy: int, desired: int) -> None:
    assert scale(SCALING, Queue(waiting, 0, busy), _had(0), START).desired == desired


def test_fewer_only_after_a_while_in_which_fewer_were_enough() -> None:
    began = scale(SCALING, Queue(), _had(3), START)
    assert (began.desired, began.low_since) == (3, START)
    assert began.falls == START + timedelta(seconds=300)
    assert scale(SCALING, Queue(), _had(3, 299), START).desired == 3
    assert scale(SCALING, Queue(), _had(3, 300), START).desired == 0


def test_a_burst_in_between_begins_the_while_anew() -> None:
    assert scale(SCALING, Queue(1500), _had(3, 200), START).low_since is None


def test_bounds_hold_at_once() -> None:
    fewest = SCALING.model_copy(update={"min_replicas": 2})
    assert scale(fewest, Queue(), _had(2), START).desired == 2
    most = SCALING.model_copy(update={"max_replicas": 2})
    assert scale(most, Queue(1e6), _had(4), START).desired == 2
