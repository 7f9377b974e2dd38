"""The patch of a status makes the one of the other, and says no more than what differs."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from vedette_operator.kube import merge_patch

_LEAVES = st.integers(0, 2) | st.sampled_from(["a", "b"]) | st.lists(st.integers(0, 2), max_size=2)
_NAMES = st.sampled_from(["x", "y", "z"])
_STATUS = st.dictionaries(
    _NAMES, st.recursive(_LEAVES, lambda inner: st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8), max_size=3
)


def patched(before: Any, patch: Any) -> Any:
    """As the API server does it: RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    found = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = patched(found.get(name), value)
    return found


@given(_STATUS, _STATUS)
def test_it_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = merge_patch(before, after)
    assert patched(before, patch) == after


@given(_STATUS)
def test_of_what_is_the_same_it_says_nothing(status: dict[str, Any]) -> None:
    assert merge_patch(status, status) == {}


def test_it_names_what_changed_whole_lists_and_what_is_no_more() -> None:
    before = {"version": "1", "engine": {"key": "a", "gpu": "b"}, "conditions": [1, 2], "canary": {"step": 1}}
    after = {"version": "1", "engine": {"key": "c", "gpu": "b"}, "conditions": [1, 3]}
    assert merge_patch(before, after) == {"engine": {"key": "c"}, "conditions": [1, 3], "canary": None}
