"""What a Detector or TrainingJob says to the API, from the plain value that the API server gave. Pure (ADR 16).

Only what the API needs is read, and leniently: a newer operator may say more. Called by background/follower.py.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from appliance.contracts.base import Contract, Name, Sha256, Version
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.base import package_name, package_version
from appliance.contracts.resources.validate import explain

Manifest = dict[str, Any]
T = TypeVar("T", bound=BaseModel)


class Package(Contract):
    """A model package by name and content; it lies where keys.model_prefix says."""

    name: Name
    version: Version
    digest: Sha256


class Watching(Contract):
    dataset: Name
    where: str | None = Field(default=None, max_length=1024)


class Followed(Contract):
    """One Detector. `canary` is there while it gets a part of the runs, `canary_percent` of them."""

    name: Name
    uid: str
    resource_version: int
    serving: Package | None = None
    canary: Package | None = None
    canary_percent: int = Field(default=0, ge=0, le=100)
    subscriptions: tuple[Watching, ...] = ()
    suspended: bool = False


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class _Metadata(_Loose):
    name: Name
    uid: str = ""
    resource_version: int = 0


class _Model(_Loose):
    storage_uri: str
    digest: Sha256


class _Canary(_Loose):
    version: Version
    digest: Sha256
    percent: int = 0


class _Subscription(_Loose):
    dataset: Name
    where: str | None = None


class _DetectorSpec(_Loose):
    model: _Model
    subscribe: list[_Subscription] = []
    suspend: bool = False


class _DetectorStatus(_Loose):
    current_version: Version | None = None
    current_digest: Sha256 | None = None
    canary: _Canary | None = None


class _Detector(_Loose):
    metadata: _Metadata
    spec: _DetectorSpec
    status: _DetectorStatus = _DetectorStatus()


class _TrainingStatus(_Loose):
    model_package: _Model | None = None


class _Training(_Loose):
    metadata: _Metadata
    status: _TrainingStatus = _TrainingStatus()


def detector(manifest: Manifest) -> tuple[Followed, tuple[Package, ...]]:
    """The Detector, and the packages it names. Raises VedetteError(INVALID) where it is none that we understand."""
    read = _parsed(_Detector, manifest)
    name, status, canary = read.metadata.name, read.status, read.status.canary
    serving = None
    if status.current_version is not None and status.current_digest is not None:
        serving = Package(name=name, version=status.current_version, digest=status.current_digest)
    coming = None if canary is None else Package(name=name, version=canary.version, digest=canary.digest)
    in_part = canary is not None and canary.percent > 0
    followed = Followed(
        name=name,
        uid=read.metadata.uid,
        resource_version=read.metadata.resource_version,
        serving=serving,
        canary=coming if in_part else None,
        canary_percent=canary.percent if canary is not None and in_part else 0,
        subscriptions=tuple(Watching(dataset=each.dataset, where=each.where) for each in read.spec.subscribe),
        suspended=read.spec.suspend,
    )
    named = (serving, coming, _package(read.spec.model))
    return followed, tuple(dict.fromkeys(each for each in named if each is not None))


def published(manifest: Manifest) -> Package | None:
    """The package that came out of a TrainingJob. Raises VedetteError(INVALID) as above."""
    found = _parsed(_Training, manifest).status.model_package
    return None if found is None else _package(found)


def _package(model: _Model) -> Package | None:
    try:
        uri = model.storage_uri
        return Package(name=package_name(uri), version=package_version(uri), digest=model.digest)
    except (IndexError, ValidationError):
        return None


def _parsed(kind: type[T], manifest: Manifest) -> T:
    try:
        return kind.model_validate(manifest)
    except ValidationError as error:
        name = (manifest.get("metadata") or {}).get("name", "a resource")
        raise VedetteError(Code.INVALID, f"{name}: {explain(error)}.", "Correct that field.") from error
