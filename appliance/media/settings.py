"""VEDETTE_MEDIA_*: what decoding one file may cost. Read once by the media worker."""

from __future__ import annotations

import psutil
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from appliance.media.limits import GIBIBYTE, Limits

_SHARE_OF_MEMORY = 0.6
_LEAST_MEMORY = GIBIBYTE


class MediaSettings(BaseSettings):
    """The names are those the remedies speak of (failures.py)."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_MEDIA_", frozen=True)
    memory_bytes: int = Field(default=Limits.memory_bytes, ge=_LEAST_MEMORY)
    seconds: float = Field(default=Limits.seconds, gt=0)
    pixels: int = Field(default=Limits.pixels, gt=0)
    output_bytes: int = Field(default=Limits.output_bytes, gt=0)
    expansion: float = Field(default=Limits.expansion, gt=0)

    def limits(self, concurrency: int, threads: int, cpus: int) -> Limits:
        """For `concurrency` files at once on this machine: together they stay within 60 % of its memory."""
        fair = int(psutil.virtual_memory().total * _SHARE_OF_MEMORY) // max(1, concurrency)
        return Limits(
            memory_bytes=max(_LEAST_MEMORY, min(self.memory_bytes, fair)),
            seconds=self.seconds,
            pixels=self.pixels,
            output_bytes=self.output_bytes,
            expansion=self.expansion,
            threads=threads or max(1, cpus // max(1, concurrency)),
        )
