"""The same checkout gives the same digests, whatever the cache holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from images.__main__ import build
from images.store import Store
from tests.cluster.product import reference
from tests.cluster_images.conftest import NAMES

_CHEAP = ("nats", "pause")
"""A wheel's program and a compiled one. Debian's layer is not among them: its mirrors keep only the newest, so that one made
today may differ from one that was made before (docs/images.md)."""


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    build(_CHEAP)
    return {name: reference(name) for name in _CHEAP}


def test_built_anew_in_an_empty_cache_it_is_the_same(first: dict[str, str], tmp_path: Path) -> None:
    built = build(_CHEAP, store=Store(tmp_path / "store"), values=tmp_path / "values.yaml")
    assert {image.repository: image.manifest.digest for image in built} == {
        reference.split("@")[0]: reference.split("@")[1] for reference in first.values()
    }


def test_built_again_nothing_is_made(first: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    build(NAMES)
    assert capsys.readouterr().err == ""
