"""What a Detector or TrainingJob says to the API, read from what the API server gives."""

from __future__ import annotations

import pytest

from appliance.api.following import said
from appliance.api.following.said import Package, Watching
from appliance.contracts.errors import VedetteError
from tests.api.following.manifests import NEW, OLD, detector, training


def test_before_the_operator_has_looked_nothing_serves_but_the_package_is_named() -> None:
    followed, packages = said.detector(detector(status=None))
    assert (followed.serving, followed.canary) == (None, None)
    assert packages == (Package(name="crowns", version="1.0.0", digest=OLD),)


def test_a_canary_counts_once_it_gets_a_share() -> None:
    held = {"version": "1.1.0", "digest": NEW, "percent": 0, "startedAt": "2026-11-01T12:00:00Z", "gates": []}
    followed, packages = said.detector(detector(version="1.1.0", digest=NEW, canary=held))
    assert followed.canary is None
    assert [each.version for each in packages] == ["1.0.0", "1.1.0"]
    followed, _ = said.detector(detector(version="1.1.0", digest=NEW, canary={**held, "percent": 10}))
    assert followed.canary == Package(name="crowns", version="1.1.0", digest=NEW)
    assert followed.canary_percent == 10


def test_subscriptions_suspension_and_version_are_kept() -> None:
    followed, _ = said.detector(detector(suspend=True, subscribe=[{"dataset": "port", "where": "gsd_m < 1"}]))
    assert followed.subscriptions == (Watching(dataset="port", where="gsd_m < 1"),)
    assert (followed.suspended, followed.resource_version, followed.uid) == (True, 7, "uid-1")


def test_what_a_newer_operator_says_beside_it_is_passed_over() -> None:
    manifest = detector()
    manifest["status"]["somethingNew"] = {"a": 1}
    manifest["spec"]["somethingNew"] = [1]
    assert said.detector(manifest)[0].serving is not None


def test_what_is_no_detector_is_refused_by_name_and_field() -> None:
    manifest = detector()
    manifest["spec"]["model"]["digest"] = "latest"
    with pytest.raises(VedetteError, match=r"crowns: spec\.model\.digest"):
        said.detector(manifest)


def test_a_training_publishes_when_it_says_so() -> None:
    assert said.published(training(None)) is None
    assert said.published(training(NEW)) == Package(name="crowns", version="1.1.0", digest=NEW)
