"""The base model and the names every contract shares. Used by all contracts; knows none of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class Contract(BaseModel):
    """A frozen value; unknown fields are refused so that a newer peer is noticed, not half understood."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment, always UTC."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""An RFC 1035 label: datasets, detectors, model packages."""

Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]{1,40})?$")]
"""A semantic version."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""A content digest, written as in OCI: `sha256:` and 64 hexadecimal digits."""

Text = Annotated[str, StringConstraints(max_length=1024)]
"""Free text of bounded length."""

ItemId = UUID
RunId = UUID
DatasetId = UUID

Score = Annotated[float, Field(ge=0.0, le=1.0)]
Metres = Annotated[float, Field(gt=0.0)]
"""A length on the ground, in metres."""


def now() -> datetime:
    """The current moment in UTC."""
    return datetime.now(UTC)
