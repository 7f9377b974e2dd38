"""Two operators, and an API server that goes and comes: one acts, and whatever was missed is made up for."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cluster_operator.place import Place
from tests.cluster_operator.process import Operator, operating

_HELD_SECONDS = 15  # of the Lease, after the last sign of life
_RECREATE = {"spec__rollout": {"strategy": "Recreate"}, "spec__scaling": {"minReplicas": 1}}


@pytest.fixture
def standby(place: Place, operator: Operator, environment: dict[str, str]) -> Iterator[Operator]:
    place.until("a leader", lambda: operator.metric("vedette_operator_leader") == 1)
    with operating(place.api.kubeconfig, place.namespace, environment, "operator-2") as running:
        yield running


def _holder(place: Place) -> str:
    return str(place.get("lease", "vedette-operator")["spec"].get("holderIdentity"))


def test_the_second_waits_and_takes_over_at_once_from_one_that_ends(
    place: Place, operator: Operator, standby: Operator
) -> None:
    place.serve()
    assert (_holder(place), standby.metric("vedette_operator_leader")) == ("operator-1", 0)
    assert standby.metric("vedette_operator_api_requests_total") == 0
    operator.server.stop()
    place.until("the second", lambda: _holder(place) == "operator-2", 5)
    place.apply(place.detector(spec__suspend=True, **_RECREATE))
    place.until("Suspended", lambda: place.condition("Ready") == ("False", "Suspended"), 5)


def test_it_takes_over_from_one_that_was_killed(place: Place, operator: Operator, standby: Operator) -> None:
    place.serve()
    operator.server.kill()
    name = place.deployment("1.0.0")["metadata"]["name"]
    place.kubectl("delete", "deploy", name)
    place.until("the Deployment again", lambda: place.get("deploy", name), _HELD_SECONDS + 10)
    assert _holder(place) == "operator-2"
    assert standby.metric("vedette_operator_leader") == 1


def test_what_happened_while_the_api_server_was_away_is_made_up_for(place: Place, operator: Operator) -> None:
    """It comes back; what was served serves on, and nothing is written that was there already."""
    place.serve()
    place.until("Ready", lambda: place.condition("Ready") == ("True", "Serving"))
    name = place.deployment("1.0.0")["metadata"]["name"]
    before = place.versions()
    assert place.api.server is not None
    place.api.server.kill()
    time.sleep(3)
    place.api.server.start()
    place.kubectl("delete", "deploy", name)  # maybe before the operator watches again
    place.until("the Deployment again", lambda: place.get("deploy", name), 30)
    place.until("rest", lambda: place.condition("Ready") == ("True", "Serving"))
    after = place.versions()
    assert {key for key in before if before[key] != after[key]} <= {f"Deployment/{name}"}
    assert operator.server.process is not None
    assert operator.server.process.poll() is None
