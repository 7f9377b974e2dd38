"""The cache of layers: whole or not there, found again by what made it, and cleared of what nobody uses."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from images.build import Builder
from images.layers import Recipe
from images.store import UNUSED_SECONDS, Blob, Store, key_of


def _builder(store: Store, said: list[str], *, fresh: bool = False) -> Builder:
    return Builder(store, 7, said.append, fresh=fresh)


def _fill(stage: Path) -> None:
    (stage / "file").write_text("content")


def test_a_blob_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    blob = Store(tmp_path).add(b"bytes")
    assert blob == Blob(f"sha256:{hashlib.sha256(b'bytes').hexdigest()}", 5)
    assert Store(tmp_path).path(blob.digest).read_bytes() == b"bytes"


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    def fail(stage: Path) -> None:
        (stage / "half").write_text("x")
        raise RuntimeError

    with pytest.raises(RuntimeError), _builder(Store(tmp_path), []) as builder:
        builder.layer(Recipe("it", "key", fail))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not list(tmp_path.glob("stage-*"))


def test_a_layer_is_made_once_until_its_recipe_changes_or_it_is_wanted_fresh(tmp_path: Path) -> None:
    said: list[str] = []
    for key, fresh in (("a", False), ("a", False), ("b", False), ("a", True)):
        with _builder(Store(tmp_path), said, fresh=fresh) as builder:
            builder.layer(Recipe(key, key, _fill))
    assert said == ["layer a", "layer b", "layer a"]


def test_a_layer_that_was_removed_is_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with _builder(Store(tmp_path), said) as builder:
            blob = builder.layer(Recipe("a", "a", _fill))
        Store(tmp_path).path(blob.digest).unlink()
    assert len(said) == 2


def test_a_layer_is_unpacked_until_the_builder_ends(tmp_path: Path) -> None:
    with _builder(Store(tmp_path), []) as builder:
        folder = builder.unpacked(Recipe("a", "a", _fill))
        assert (folder / "file").read_text() == "content"
    assert not folder.exists()


def test_only_what_no_build_used_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, used = store.add(b"old"), store.add(b"used")
    os.utime(store.path(old.digest), (1, 1))
    assert store.forget_unused() == 3
    assert store.path(used.digest).exists()
    assert not store.path(old.digest).exists()
    assert store.forget_unused(now=store.path(used.digest).stat().st_mtime + UNUSED_SECONDS + 1) == 4


def test_keys_follow_content_and_order(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    first = key_of("x", file)
    file.write_text("b")
    assert len({first, key_of("x", file), key_of(file, "x"), key_of("x")}) == 4
