"""One warm nursery for all tests of media, and a short way to normalise into the test's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.media.limits import Limits
from appliance.media.normalise import Normalised, normalise
from appliance.media.spawning import Nursery
from tests.conftest import MessagingServer, messaging_server

Normalise = Callable[..., Normalised]


@pytest.fixture
def nats_server() -> Iterator[MessagingServer]:
    """One of its own: a work queue has one consumer, and what other tests left in it is not this worker's."""
    with messaging_server() as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@pytest.fixture
def make(nursery: Nursery, tmp_path: Path) -> Normalise:
    """make(path, limits=None): normalise into tmp_path/out."""

    def call(path: Path, limits: Limits | None = None) -> Normalised:
        return normalise(path, path.name, tmp_path / "out", limits, nursery=nursery)

    return call
