"""A TrainingJob from snapshots to package: nothing before its snapshots are there, and ends that stay ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_operator.build.manifest import QUEUE_LABEL
from vedette_operator.reconcile.observed import Job, Pod, Problem
from vedette_operator.reconcile.plan import Handover
from vedette_operator.reconcile.training import reconcile

from appliance.contracts.resources.training_status import PublishedPackage, Verdict
from tests.contracts.wrong import GONE
from tests.operator_reconcile.training import Training, training_job
from tests.operator_reconcile.world import HERE

_PACKAGE = PublishedPackage(storage_uri="s3://vedette/models/tree-crowns/1.5.0", digest="sha256:" + "5" * 64)
_RUNNING = (Pod("p", "", ready=True),)


def _running(**changes: object) -> Training:
    training = Training(training_job(**changes))
    training.settle()
    training.sees(job=Job("active"), pods=_RUNNING)
    return training


def test_no_pod_starts_before_the_snapshots_are_there() -> None:
    training = Training(training_job())
    training.sees(problem=Problem("SnapshotMissing", "Snapshot sha256:2c26 is not there: make or push it."))
    assert training.observed.children == {}
    assert training.condition("DatasetReady") == ("False", "SnapshotMissing")
    assert training.status.start_time is None
    training.sees(problem=None)
    assert [kind for kind, _ in training.observed.children] == ["Job"]
    assert training.condition("DatasetReady")[0] == "True"


def test_it_runs_and_completes_with_its_package() -> None:
    training = _running()
    assert training.status.state == "Running"
    training.sees(job=Job("complete"), package=_PACKAGE)
    assert training.status.state == "Complete"
    assert training.status.model_package == _PACKAGE
    assert training.condition("Complete") == ("True", "Trained")


def test_an_end_stays_an_end_whatever_is_cleaned_up() -> None:
    training = _running(spec__ttlSecondsAfterFinished=GONE)
    training.sees(job=Job("complete"), package=_PACKAGE)
    done = training.status
    training.sees(job=None, pods=(), package=None, children={})
    training.pass_time(10_000_000)
    assert training.status == done
    assert training.observed.children == {}


def test_a_package_that_met_the_goal_is_handed_over_with_the_end_and_no_other() -> None:
    met = Verdict(fit="Good", goal_met=True)
    for verdict, handed in ((met, True), (met.model_copy(update={"goal_met": False}), False), (None, False)):
        training = _running()
        training.observed = replace(training.observed, job=Job("complete"), package=_PACKAGE, verdict=verdict)
        first, *others = training.settle()
        expected = Handover("tree-crowns", _PACKAGE.storage_uri, _PACKAGE.digest) if handed else None
        assert (first.handover, [plan.handover for plan in others]) == (expected, [None])


def test_a_finished_job_goes_when_its_time_to_live_is_over() -> None:
    training = _running(spec__ttlSecondsAfterFinished=60)
    training.sees(job=Job("complete"), package=_PACKAGE)
    (plan,) = training.settle()
    assert plan.wake == training.now + timedelta(seconds=60)
    training.now += timedelta(seconds=60)
    assert reconcile(training.job, training.observed, HERE, training.now).finished


def test_what_no_other_try_would_mend_fails_in_the_trainers_words() -> None:
    training = _running()
    training.sees(job=Job("failed", "The snapshot has no labels.", hopeless=True))
    assert training.condition("Failed") == ("True", "TrainingFailed")


def test_a_job_that_kueue_holds_is_let_go_by_kueue_alone() -> None:
    training = Training(training_job(metadata__labels={QUEUE_LABEL: "vision"}))
    training.settle()
    training.sees(job=Job("active", suspended=True))
    assert training.observed.job == Job("active", suspended=True)


def test_a_failed_job_runs_again_only_when_retry_is_raised() -> None:
    training = _running()
    training.sees(job=Job("failed", "Pod p ended with exit code 1."), pods=())
    assert training.condition("Failed") == ("True", "BackoffLimitExceeded")
    failed = set(training.observed.children)
    training.pass_time(86_400)
    assert training.status.state == "Failed"
    training.change(spec__retry=1)
    training.sees(job=None)
    assert training.status.state == "Pending"
    assert training.condition("Failed")[0] == "False"
    assert set(training.observed.children).isdisjoint(failed)


def test_time_suspended_does_not_count_towards_the_deadline() -> None:
    training = _running(spec__activeDeadlineSeconds=100)
    training.pass_time(60)
    training.change(spec__suspend=True)
    training.settle()
    assert training.status.state == "Suspended"
    training.pass_time(10_000)
    training.change(spec__suspend=False)
    training.settle()
    training.pass_time(39)
    assert training.status.state == "Running"
    training.pass_time(1)
    assert training.condition("Failed") == ("True", "DeadlineExceeded")
    assert training.observed.children == {}


def test_it_wakes_at_its_deadline_and_not_before() -> None:
    training = _running(spec__activeDeadlineSeconds=100)
    (plan,) = training.settle()
    assert plan.wake is not None
    assert (plan.wake - training.now).total_seconds() == 100


def test_a_job_that_another_manages_is_left_alone() -> None:
    training = Training(training_job(spec__managedBy="kueue.x-k8s.io/multikueue"))
    assert [plan.empty for plan in training.settle()] == [True]


def test_a_pod_without_room_says_which_resource_is_short() -> None:
    training = Training(training_job())
    training.sees(pods=(Pod("p", "", unschedulable="0/2: 2 Insufficient nvidia.com/gpu."),))
    assert training.status.state == "Pending"
    assert training.condition("Complete") == ("False", "InsufficientResources")


_HAPPENINGS: dict[str, Callable[[Training], None]] = {
    "a minute passes": lambda it: it.pass_time(60),
    "a day passes": lambda it: it.pass_time(86_400),
    "suspend": lambda it: it.change(spec__suspend=True),
    "resume": lambda it: it.change(spec__suspend=False),
    "retry": lambda it: it.change(spec__retry=it.job.spec.retry + 1),
    "pods run": lambda it: it.sees(job=Job("active"), pods=_RUNNING),
    "pods are lost": lambda it: it.sees(pods=()),
    "the job completes": lambda it: it.sees(job=Job("complete"), package=_PACKAGE),
    "the job fails": lambda it: it.sees(job=Job("failed", "It ended.")),
    "a snapshot is gone": lambda it: it.sees(problem=Problem("SnapshotMissing", "It is not there.")),
    "the snapshot is back": lambda it: it.sees(problem=None),
    "the job is cleaned up": lambda it: it.sees(children={}, job=None, pods=()),
}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted(_HAPPENINGS)), min_size=3, max_size=40))
def test_whatever_happens_it_comes_to_rest_and_ends_once(history: list[str]) -> None:
    training = Training(training_job())
    for name in history:
        before = training.status
        _HAPPENINGS[name](training)
        training.settle()
        if before.state in ("Complete", "Failed") and before.retry == training.job.spec.retry:
            assert training.status == before
        assert (training.status.completion_time is None) == (training.status.state not in ("Complete", "Failed"))


def test_a_snapshot_that_goes_later_stops_nothing_and_suspend_still_works() -> None:
    training = _running()
    before = training.observed.children
    training.sees(problem=Problem("SnapshotMissing", "It is not there."))
    assert training.observed.children == before
    training.change(spec__suspend=True)
    training.settle()
    assert training.observed.children == before
    assert training.observed.job is not None
    assert training.observed.job.suspended
