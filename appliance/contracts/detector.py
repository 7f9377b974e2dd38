"""A detector: a served model package with its recipe and running point."""

from __future__ import annotations

from pydantic import Field

from appliance.contracts.base import Contract, Instant, Name, Sha256, Version
from appliance.contracts.model_package import Manifest


class Detector(Contract):
    """One version of a detector. `subscribe` names the datasets whose new items get a run by themselves."""

    name: Name
    version: Version
    digest: Sha256
    manifest: Manifest
    subscribe: list[Name] = Field(default=[], max_length=1000)
    created_at: Instant
