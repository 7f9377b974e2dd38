"""Which version an item gets: the same whoever asks, never two, and nobody leaves a canary that grows."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from appliance.api.following import routing
from appliance.api.following.said import Followed, Package, Watching
from tests.api import samples
from tests.api.following.manifests import NEW, OLD

SERVING = Package(name="crowns", version="1.0.0", digest=OLD)
CANARY = Package(name="crowns", version="1.1.0", digest=NEW)


def _followed(percent: int, canary: Package | None = CANARY) -> Followed:
    return Followed(name="crowns", uid="u", resource_version=1, serving=SERVING, canary=canary, canary_percent=percent)


@given(st.uuids(), st.integers(1, 99), st.integers(1, 99))
def test_an_item_belongs_to_one_version_and_stays_in_a_canary_that_grows(item: UUID, a: int, b: int) -> None:
    less, more = sorted((a, b))
    chosen = routing.version_for(_followed(less), item)
    assert chosen in (SERVING, CANARY)
    assert routing.version_for(_followed(less), item) == chosen
    if chosen == CANARY:
        assert routing.version_for(_followed(more), item) == CANARY


@given(st.uuids())
def test_all_or_nothing(item: UUID) -> None:
    assert routing.version_for(_followed(100), item) == CANARY
    assert routing.version_for(_followed(0), item) == SERVING
    assert routing.version_for(_followed(10, canary=None), item) == SERVING


def test_the_canary_gets_its_share() -> None:
    items = [uuid5(UUID(int=0), str(number)) for number in range(10_000)]
    taken = sum(routing.version_for(_followed(10), item) == CANARY for item in items)
    assert 900 < taken < 1100


def test_where_and_suspension_are_heeded() -> None:
    scene = samples.scene_info()  # one metre to the pixel
    for where, wanted in ((None, True), ("gsd_m <= 1", True), ("gsd_m < 1", False), ("cloud_percent < 40", False)):
        said = _followed(0).model_copy(update={"subscriptions": (Watching(dataset="port", where=where),)})
        assert routing.wants(said, "port", scene) is wanted
        assert not routing.wants(said, "another", scene)
        assert not routing.wants(said.model_copy(update={"suspended": True}), "port", scene)
