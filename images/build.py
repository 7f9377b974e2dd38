"""Builds images: each layer once, when its recipe is new. Called by __main__.py and by tests."""

from __future__ import annotations

import contextlib
import fcntl
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from images import oci
from images.catalogue import Image
from images.layers import Recipe, write_layer
from images.store import Blob, Store

EPOCH = 315_532_800
"""1 January 1980, the time of every file unless SOURCE_DATE_EPOCH says another: archives of Python know no earlier one."""


@dataclass(frozen=True)
class Built:
    """An image in the store. `layers` are named, lowest first."""

    repository: str
    tag: str
    manifest: Blob
    config: Blob
    layers: Sequence[tuple[str, Blob]]

    @property
    def size(self) -> int:
        return sum(blob.size for _, blob in self.layers)


class Builder:
    """`say` is told of each layer that takes a while; `fresh` layers are made anew although their recipe is known."""

    def __init__(self, store: Store, epoch: int, say: Callable[[str], None], *, fresh: bool = False) -> None:
        self._store = store
        self._epoch = epoch
        self._say = say
        self._fresh = fresh
        self._done: dict[str, Blob] = {}
        self._roots = contextlib.ExitStack()
        self._unpacked: dict[str, Path] = {}

    def __enter__(self) -> Builder:
        return self

    def __exit__(self, *_: object) -> None:
        self._roots.close()

    def image(self, image: Image, tag: str) -> Built:
        layers = [(recipe.name, self.layer(recipe)) for recipe in image.layers]
        labels = {"org.opencontainers.image.title": image.name, "org.opencontainers.image.version": tag}
        config = self._store.add(oci.config(image.run, layers, labels, self._epoch))
        manifest = self._store.add(oci.manifest(config, [blob for _, blob in layers]))
        return Built(image.repository, tag, manifest, config, layers)

    def layer(self, recipe: Recipe) -> Blob:
        """Made at most once in this builder's life."""
        if recipe.key not in self._done:
            known = None if self._fresh else self._store.made(self._key(recipe))
            self._done[recipe.key] = known or self._make(recipe)
        return self._done[recipe.key]

    def unpacked(self, recipe: Recipe) -> Path:
        """A folder with the layer's files, there until this builder ends."""
        if recipe.key not in self._unpacked:
            folder = self._roots.enter_context(self._store.stage())
            with tarfile.open(self._store.path(self.layer(recipe).digest)) as tar:
                tar.extractall(folder, filter=_readable)
            self._unpacked[recipe.key] = folder
        return self._unpacked[recipe.key]

    def _make(self, recipe: Recipe) -> Blob:
        self._say(f"layer {recipe.name}")
        with self._store.stage() as stage:
            recipe.fill(stage)
            with self._store.writing() as target:
                write_layer(stage, recipe.owned, self._epoch, target)
        self._store.remember(self._key(recipe), target.blob)
        return target.blob

    def _key(self, recipe: Recipe) -> str:
        return f"{recipe.key}-{self._epoch}"


def _readable(entry: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    """Whoever unpacks owns what there is."""
    return entry.replace(uid=None, gid=None, uname=None, gname=None, deep=False)  # type: ignore[arg-type]


@contextlib.contextmanager
def sole(store: Store) -> Iterator[None]:
    """One build at a time in a store: a second would make the same large layer at the same time."""
    store.folder.mkdir(parents=True, exist_ok=True)
    with (store.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def values(built: Sequence[Built]) -> Mapping[str, Mapping[str, str]]:
    """For the chart: by image name, its repository and digest."""
    return {
        image.repository.rpartition("/")[2]: {"repository": image.repository, "digest": image.manifest.digest}
        for image in built
    }
