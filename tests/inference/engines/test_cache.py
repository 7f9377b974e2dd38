"""The cache gives back what was stored under that very key, and refuses whatever else lies there. No TensorRT is needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.engines.cache import PLAN, RECORD, Engine, EngineCache, Refused
from appliance.inference.engines.spec import NO_DEVICE, EngineKey, Library, Profile, Span


def _key(number: int = 1) -> EngineKey:
    one = Span(least=1, best=1, most=1)
    return EngineKey(
        model=f"sha256:{number:064x}",
        precision="fp32",
        profile=Profile(batch=one, side=one),
        library=Library.RTX,
        library_version="1.7.1.116",
        device=NO_DEVICE,
        preparation=1,
    )


def _store(cache: EngineCache, key: EngineKey, content: bytes = b"plan") -> Engine:
    plan = cache.workshop / "new.plan"
    plan.write_bytes(content)
    plan.chmod(0o600)
    return cache.put(key, plan, 1.5)


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def test_what_was_stored_is_found_in_private(cache: EngineCache) -> None:
    assert cache.get(_key()) is None
    stored = _store(cache, _key())
    assert cache.get(_key()) == stored
    assert stored.plan == b"plan"
    assert cache.get(_key(2)) is None
    assert [record.seconds for record in cache.all()] == [1.5]
    assert oct(cache.folder.stat().st_mode & 0o777) == "0o700"
    assert {oct(path.stat().st_mode & 0o077) for path in cache.folder.iterdir() if path.is_file()} == {"0o0"}


def _cut(plan: Path, _record: Path) -> None:
    plan.write_bytes(plan.read_bytes()[:-1])


def _change(plan: Path, _record: Path) -> None:
    plan.write_bytes(b"PLAN")


def _plant(_plan: Path, record: Path) -> None:
    record.unlink()


def _damage(_plan: Path, record: Path) -> None:
    record.write_text(record.read_text()[:-9])


def _link(plan: Path, _record: Path) -> None:
    plan.rename(other := plan.parent.parent / "elsewhere")
    plan.symlink_to(other)


def _link_hard(plan: Path, _record: Path) -> None:
    os.link(plan, plan.parent.parent / "elsewhere")


def _open_up(plan: Path, _record: Path) -> None:
    plan.chmod(0o622)


def _pipe(plan: Path, _record: Path) -> None:
    plan.unlink()
    os.mkfifo(plan, 0o600)


def _swell(_plan: Path, record: Path) -> None:
    record.write_text(record.read_text() + " " * 70_000)


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (_cut, "not what was built"),
        (_change, "not what was built"),
        (_plant, "no record of ours"),
        (_damage, "damaged"),
        (_link, "a link"),
        (_link_hard, "second name"),
        (_open_up, "others may have written"),
        (_pipe, "no file"),
        (_swell, "too large"),
    ],
)
def test_what_was_tampered_with_is_refused_and_gone(
    cache: EngineCache, tamper: Callable[[Path, Path], None], why: str
) -> None:
    _store(cache, _key())
    base = cache.folder / _key().name
    tamper(base.with_suffix(PLAN), base.with_suffix(RECORD))
    refused = cache.get(_key())
    assert isinstance(refused, Refused)
    assert why in refused.why
    assert cache.get(_key()) is None
    assert not any(path.is_file() for path in cache.folder.iterdir())
    _store(cache, _key())
    assert isinstance(cache.get(_key()), Engine)


def test_an_engine_under_another_key_is_refused(cache: EngineCache) -> None:
    """As when files are copied from one machine's cache into another's, under the name that is looked for."""
    _store(cache, _key())
    for suffix in (PLAN, RECORD):
        (cache.folder / f"{_key().name}{suffix}").rename(cache.folder / f"{_key(2).name}{suffix}")
    refused = cache.get(_key(2))
    assert isinstance(refused, Refused)
    assert "something else" in refused.why


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (shared := tmp_path / "engines").mkdir(mode=0o755)
    for wrong in (shared, link := tmp_path / "link"):
        if wrong is link:
            (tmp_path / "own").mkdir(mode=0o700)
            link.symlink_to(tmp_path / "own")
        with pytest.raises(VedetteError, match="not to be trusted") as refused:
            EngineCache(wrong)
        assert refused.value.reason.code == Code.INVALID


def test_those_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines", limit_bytes=250)
    for number, at in ((1, 1000), (2, 2000)):
        _store(cache, _key(number), bytes([number]) * 100)
        os.utime(cache.folder / f"{_key(number).name}{RECORD}", (at, at))
    assert isinstance(cache.get(_key(1)), Engine)  # used just now
    _store(cache, _key(3), b"3" * 100)
    assert cache.get(_key(2)) is None
    assert {record.key.model for record in cache.all()} == {_key(1).model, _key(3).model}
    _store(cache, _key(4), b"4" * 1000)
    assert [record.key for record in cache.all()] == [_key(4)]
