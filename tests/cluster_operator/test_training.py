"""A TrainingJob from `kubectl apply` to what its detector does with the package, by the operator as a process against a real API
server."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliance.clients.messaging import Messaging
from appliance.contracts.base import now
from appliance.contracts.resources.training_status import MetricValue, TrainerStatus
from appliance.standalone.ports import free_ports
from tests.cluster_operator.place import SNAPSHOT, VALIDATION, Place
from tests.cluster_operator.process import Operator, operating
from tests.conftest import MessagingServer
from tests.soak.proxy import Proxy


def _begun(place: Place, **changes: Any) -> dict[str, Any]:
    """The Job of a training that lacks nothing, its pod running."""
    place.publish()
    _snapshots(place)
    place.apply(place.training(**changes))
    job = place.trainer()
    place.train(job)
    place.until("Running", lambda: _state(place) == "Running")
    return job


def _snapshots(place: Place) -> None:
    for digest in (SNAPSHOT, VALIDATION):
        place.snapshot(digest)


def _state(place: Place) -> str:
    return str(place.status("tj").get("state"))


def _events(place: Place, reason: str) -> list[str]:
    return [each["note"] for each in place.get("events.events.k8s.io")["items"] if each["reason"] == reason]


async def _say(server: MessagingServer, uid: str, said: TrainerStatus) -> None:
    messaging = await Messaging.connect(server.settings, "test")
    try:
        await messaging.ensure_streams()
        await messaging.trainers.put(uid, said)
    finally:
        await messaging.close()


@pytest.mark.usefixtures("operator")
def test_snapshots_training_progress_package_and_the_detector_tries_it(
    place: Place, nats_server: MessagingServer
) -> None:
    place.serve()
    place.apply(place.training())
    place.until("what is missing", lambda: place.condition("DatasetReady", "tj") == ("False", "SnapshotMissing"))
    assert "push it" in place.says("DatasetReady", "tj")
    assert place.children("jobs") == {}
    _snapshots(place)
    job = place.trainer()
    place.train(job)
    place.until("Running", lambda: _state(place) == "Running")
    said = TrainerStatus(
        progress_percentage=40, epoch=3, metrics=[MetricValue(name="f1", value=0.5)], last_updated_time=now()
    )
    asyncio.run(_say(nats_server, place.get("tj", place.model)["metadata"]["uid"], said))
    place.until("progress", lambda: place.status("tj")["trainerStatus"]["progressPercentage"] == 40)
    place.end(job, place.trained())
    place.until("Complete", lambda: _state(place) == "Complete")
    assert place.status("tj")["trainerStatus"]["progressPercentage"] == 100
    assert place.get("det", place.model)["spec"]["model"]["storageUri"] == place.uri("1.1.0")
    assert _events(place, "HandedOver")
    # Nothing else happens here that would have the operator look at the detector.
    place.until("the detector tries it", lambda: place.status()["canary"]["version"] == "1.1.0", 5)
    assert place.status()["currentVersion"] == "1.0.0"


@pytest.mark.usefixtures("operator")
def test_a_package_that_missed_its_goal_stays_where_it_is(place: Place) -> None:
    place.serve()
    place.end(_begun(place), place.trained(goal_met=False))
    place.until("Complete", lambda: _state(place) == "Complete")
    assert place.status("tj")["verdict"]["goalMet"] is False
    assert place.get("det", place.model)["spec"]["model"]["storageUri"] == place.uri("1.0.0")
    assert not _events(place, "HandedOver")


@pytest.mark.usefixtures("operator")
def test_a_detector_that_is_not_there_is_named(place: Place) -> None:
    place.end(_begun(place), place.trained())
    place.until("Complete", lambda: _state(place) == "Complete")
    (said,) = place.until("the event", lambda: _events(place, "DetectorMissing"))
    assert place.model in said


@pytest.mark.usefixtures("operator")
def test_somebody_elses_job_of_that_name_is_named_and_left(place: Place) -> None:
    name = f"{place.model}-t0"
    place.kubectl("create", "job", name, "--image=theirs:1")
    before = place.get("job", name)
    place.publish()
    _snapshots(place)
    place.apply(place.training())
    place.until("the condition", lambda: place.condition("DatasetReady", "tj") == ("False", "ForeignChild"))
    said = place.says("DatasetReady", "tj")
    assert f"Job {name} belongs to somebody else" in said
    assert place.get("job", name) == before
    place.kubectl("delete", "job", name)
    place.train(place.until("ours", lambda: place.children("jobs").get(name), 30))
    place.until("Running", lambda: _state(place) == "Running")


@pytest.mark.usefixtures("operator")
def test_a_failure_is_told_in_its_own_words_and_another_retry_begins_anew(place: Place) -> None:
    job = _begun(place)
    said = "Configuration: epochs is 0. Give at least 1."
    place.end(job, said, code=64, reason="PodFailurePolicy")
    place.until("Failed", lambda: _state(place) == "Failed")
    assert said in place.says("Failed", "tj")
    assert place.status("tj")["lastFailureInfo"]["exitCode"] == 64
    place.apply(place.training(spec__retry=1))
    again = place.trainer(retry=1)
    place.train(again)
    place.until("Running", lambda: _state(place) == "Running")
    assert place.condition("Failed", "tj")[0] == "False"
    place.end(again, place.trained())
    place.until("Complete", lambda: _state(place) == "Complete")


@pytest.mark.usefixtures("operator")
def test_suspend_holds_the_job_and_lets_it_go(place: Place) -> None:
    job = _begun(place)["metadata"]["name"]
    place.apply(place.training(spec__suspend=True))
    place.until("a held Job", lambda: place.get("job", job)["spec"]["suspend"])
    place.until("Suspended", lambda: _state(place) == "Suspended")
    place.apply(place.training(spec__suspend=False))
    place.until("a Job let go", lambda: not place.get("job", job)["spec"]["suspend"])


@pytest.mark.usefixtures("operator")
def test_one_that_has_ended_goes_when_its_time_is_over(place: Place) -> None:
    place.end(_begun(place, spec__ttlSecondsAfterFinished=2), place.trained())
    place.until("Complete", lambda: _state(place) == "Complete")
    place.until("its removal", lambda: not place.get("tj")["items"])


def test_a_report_lost_while_the_store_is_away_is_no_failure(place: Place, environment: dict[str, str]) -> None:
    """The pod went with its node before anybody read it; the store, which holds the package, comes back later."""
    endpoint = urlsplit(environment["VEDETTE_STORE_ENDPOINT"])
    [port] = free_ports(1)
    line = Proxy(port, lambda: endpoint.port or 0)
    behind = {**environment, "VEDETTE_STORE_ENDPOINT": f"http://127.0.0.1:{port}"}
    try:
        with operating(place.api.kubeconfig, place.namespace, behind):
            job = _begun(place)
            line.cut()
            report = place.trained()
            place.lose_pod(f"{job['metadata']['name']}-x")
            place.end(job, "", pod=False)
            place.until("what is away", lambda: place.condition("DatasetReady", "tj")[1] == "StoreUnavailable")
            assert _state(place) == "Pending"
            line.mend()
            place.until("Complete", lambda: _state(place) == "Complete")
            assert place.status("tj")["modelPackage"]["digest"] == report.model_package.digest
    finally:
        line.close()


def test_a_training_goes_on_with_an_operator_that_was_killed(place: Place, operator: Operator) -> None:
    job = _begun(place)
    operator.server.kill()
    place.end(job, place.trained())
    operator.server.start()
    place.until("Complete", lambda: _state(place) == "Complete")
