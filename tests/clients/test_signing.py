"""An address lasts at least as long as was promised, at most two windows, and never longer than S3 allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clients.signing import signing

_WEEK = timedelta(days=7)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 6 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_what_is_promised_is_kept(at: datetime, promised: timedelta) -> None:
    signed_at, lifetime = signing(at, promised)
    assert signed_at <= at < signed_at + timedelta(hours=1)
    assert promised <= signed_at + lifetime - at <= promised + timedelta(hours=1)
    assert lifetime <= _WEEK
    assert signing(signed_at, promised) == (signed_at, lifetime)


@pytest.mark.parametrize("minutes", [0, 59])
def test_a_week_is_the_longest(minutes: int) -> None:
    at = datetime(2026, 11, 22, 10, minutes, tzinfo=UTC)
    assert signing(at, _WEEK) == (datetime(2026, 11, 22, 10, tzinfo=UTC), _WEEK)
