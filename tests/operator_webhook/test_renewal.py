"""Years of renewals in a moment: at each of them whoever answers is trusted by what the API server may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vedette_operator.webhook.certificates import Certificates, Pair, carried_out, certified
from vedette_operator.webhook.renewal import AUTHORITY_VALID, FORGOTTEN, HEARD, Step, next_step

HOSTS = ("vedette-operator.vedette.svc", "vedette-operator.vedette")
START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def after(found: Certificates | None, now: datetime, hosts: tuple[str, ...] = HOSTS) -> tuple[Certificates, list[Step]]:
    """What is there once nothing is due, and the steps that led there."""
    steps: list[Step] = []
    while (step := next_step(certified(found) if found else None, hosts, now)) is not Step.KEEP:
        found = carried_out(step, found, hosts, now)
        steps.append(step)
        assert len(steps) < 5, "it never comes to rest"
    assert found is not None
    return found, steps


def trusts(bundle: bytes, server: Pair, now: datetime) -> bool:
    """As whoever has that bundle verifies the name by which the API server asks."""
    store = Store(x509.load_pem_x509_certificates(bundle))
    verifier = PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(HOSTS[0]))
    try:
        verifier.verify(x509.load_pem_x509_certificate(server.certificate), [])
    except x509.verification.VerificationError:
        return False
    return True


def test_the_first_come_together_and_stay() -> None:
    made, steps = after(None, START)
    assert steps == [Step.AUTHORITY]
    assert certified(made).hosts == HOSTS
    assert trusts(made.bundle, made.server, START)
    assert after(made, START + timedelta(days=59)) == (made, [])


def test_the_servers_is_renewed_at_two_thirds() -> None:
    made, _ = after(None, START)
    later, steps = after(made, START + timedelta(days=61))
    assert steps == [Step.SERVER]
    assert later.authority == made.authority
    assert trusts(made.bundle, later.server, START + timedelta(days=61))


def test_another_name_is_another_certificate() -> None:
    made, _ = after(None, START)
    assert after(made, START, ("other.vedette.svc",))[1] == [Step.SERVER]


def test_a_new_authority_is_heard_of_before_it_is_used_and_the_former_goes_last() -> None:
    made, _ = after(None, START)
    due = START + AUTHORITY_VALID * 2 / 3
    fresh = carried_out(Step.SERVER, made, HOSTS, due - timedelta(days=1))
    rotated, steps = after(fresh, due)
    assert steps == [Step.AUTHORITY]
    assert rotated.server == fresh.server
    assert rotated.former == made.authority.certificate
    assert after(rotated, due + HEARD / 2)[1] == []
    moved, steps = after(rotated, due + HEARD)
    assert steps == [Step.SERVER]
    assert trusts(rotated.bundle, moved.server, due + HEARD)
    assert not trusts(made.bundle, moved.server, due + HEARD)
    last, steps = after(moved, due + FORGOTTEN)
    assert steps == [Step.FORGET]
    assert last.bundle == moved.authority.certificate


def test_a_former_that_still_serves_is_not_forgotten_though_nobody_looked_for_days() -> None:
    made, _ = after(None, START)
    due = START + AUTHORITY_VALID * 2 / 3
    rotated, steps = after(carried_out(Step.SERVER, made, HOSTS, due - timedelta(days=1)), due)
    assert steps == [Step.AUTHORITY]
    late = due + FORGOTTEN * 2
    moved, steps = after(rotated, late)
    assert steps == [Step.SERVER]
    assert trusts(moved.bundle, rotated.server, late), "by which another replica answers until it looks"
    assert after(moved, late + HEARD)[1] == [Step.FORGET]


@settings(max_examples=15, deadline=None)
@example(hours=[40 * 24] * 31 + [8 * 24] * 4)
@given(st.lists(st.integers(min_value=1, max_value=40 * 24), min_size=10, max_size=60))
def test_whoever_looked_an_hour_ago_trusts_whoever_looks_now(hours: list[int]) -> None:
    """Replicas and API servers look at different moments: what one has of the last look fits what another has of this."""
    found, now = after(None, START)[0], START
    for pause in (*hours, 3 * 365 * 24, 1, 2, 24, 10 * 24):
        before, now = found, now + timedelta(hours=pause)
        found, _ = after(before, now)
        assert trusts(found.bundle, found.server, now)
        if now < certified(before).server.ends:
            assert trusts(found.bundle, before.server, now)
            assert trusts(before.bundle, found.server, now)


def test_a_clock_that_was_far_ahead_is_made_good() -> None:
    made, _ = after(None, START + timedelta(days=3000))
    found, steps = after(made, START)
    assert steps[0] is Step.AUTHORITY
    assert trusts(found.bundle, found.server, START)


@pytest.mark.parametrize(
    "broken",
    [
        lambda made: Certificates(Pair(b"", b""), made.server),
        lambda made: Certificates(made.authority, Pair(made.server.certificate[:-40], made.server.key)),
        lambda made: Certificates(made.authority, Pair(made.server.certificate, made.authority.key)),
        lambda made: Certificates(made.authority, made.server, b"nothing"),
    ],
    ids=["empty", "cut off", "another's key", "former"],
)
def test_what_is_none_of_ours_is_said_to_be_unreadable(broken: object) -> None:
    made, _ = after(None, START)
    assert callable(broken)
    with pytest.raises(ValueError, match=r".+"):
        certified(broken(made))
