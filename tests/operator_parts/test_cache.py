"""The newest of each object, in whatever order it is heard of; what has gone unnoticed is found by a list."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from vedette_operator.cache import Cache
from vedette_operator.translate import translated

from tests.operator_parts import raw

_ONE = ("Deployment", "one")


@given(st.permutations([1, 2, 3, 4, 5]))
def test_the_newest_stays_in_whatever_order_it_is_told(versions: list[int]) -> None:
    cache = Cache()
    for version in versions:
        cache.put(translated(raw.deployment(version=version)))
    found = cache.get(_ONE)
    assert found is not None
    assert found.version == 5
    assert cache.belonging(("Detector", "tree-crowns")) == (found,)


def test_the_same_again_is_no_news() -> None:
    cache = Cache()
    assert cache.put(translated(raw.deployment(version=2)))
    assert not cache.put(translated(raw.deployment(version=2)))
    assert not cache.put(translated(raw.deployment(version=1)))
    assert cache.put(translated(raw.deployment(version=3)))


def test_the_end_of_one_is_not_the_end_of_another_of_its_name() -> None:
    cache = Cache()
    cache.put(translated(raw.deployment(version=5, uid="new")))
    assert cache.drop(_ONE, "old") is None
    assert cache.get(_ONE) is not None
    assert cache.drop(_ONE, "new") is not None
    assert cache.belonging(("Detector", "tree-crowns")) == ()


def _listed(cache: Cache, *raws: dict[str, Any], version: int = 10) -> list[str]:
    return sorted(each.name for each in cache.listed("Deployment", map(translated, raws), version))


def test_a_list_tells_what_has_gone_and_what_is_new() -> None:
    cache = Cache()
    for name in ("one", "two"):
        cache.put(translated(raw.deployment(name)))
    assert _listed(cache, raw.deployment("two"), raw.deployment("three")) == ["one", "three"]
    assert cache.get(_ONE) is None
    assert _listed(cache, raw.deployment("two"), raw.deployment("three")) == []


def test_a_list_that_is_older_than_an_object_says_nothing_of_it() -> None:
    cache = Cache()
    cache.put(translated(raw.deployment(version=11)))
    assert _listed(cache, version=10) == []
    assert cache.get(_ONE) is not None


def test_a_list_finds_one_that_was_made_anew() -> None:
    cache = Cache()
    cache.put(translated(raw.deployment(version=3, uid="old")))
    assert _listed(cache, raw.deployment(version=9, uid="new")) == ["one", "one"]
    found = cache.get(_ONE)
    assert found is not None
    assert found.uid == "new"


def test_objects_are_counted_by_kind() -> None:
    cache = Cache()
    cache.put(translated(raw.deployment()))
    cache.put(translated(raw.config_map("a")))
    cache.put(translated(raw.config_map("b")))
    assert cache.count() == {"Deployment": 1, "ConfigMap": 2}
