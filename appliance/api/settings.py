"""How the API is set up: `VEDETTE_API_*` variables, read once by main.py. Knows nothing of the other servers' settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_MEBIBYTE = 1 << 20
MarkingColour = Literal["green", "purple", "blue", "red", "orange", "yellow"]


class ApiSettings(BaseSettings):
    """VEDETTE_API_*. `public_url` is the address people type; one-time links are built from it. `data_folder`
    is that of `vedette up`, of which the operator is shown the parts and the disk. `marking` stands above and below every page."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_API_", frozen=True)
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    log_format: str = "text"
    data_folder: Path | None = None
    marking: str = Field(default="", max_length=200)
    marking_colour: MarkingColour = "green"
    page_folder: Path = Path(__file__).parent.parent / "ui" / "dist"

    work_folder: Path | None = None
    """For files in work, such as detections on their way; the system's own place for such, where not set."""

    migrate: bool = True
    """Bring the database up to date at the start; false: wait until another has, at most `migrate_wait_seconds`."""

    migrate_wait_seconds: float = Field(default=120, ge=0)

    kubernetes_namespace: str = Field(default="", max_length=63)
    """On a cluster: where the Detectors and TrainingJobs lie that are followed (ADR 16); empty in standalone mode."""

    body_limit_bytes: int = 64 * _MEBIBYTE
    item_limit_bytes: int = 500 << 30
    part_size_bytes: int = 16 * _MEBIBYTE
    upload_hours: int = Field(default=24, ge=1, le=167)
    upload_abandoned_hours: int = Field(default=72, ge=1)

    session_hours: int = Field(default=168, ge=1)
    link_hours: int = Field(default=24, ge=1)
    sign_in_failures: int = Field(default=10, ge=1)
    sign_in_window_minutes: int = Field(default=15, ge=1)

    tile_threads: int = Field(default=4, ge=1, le=64)
    tile_cache_bytes: int = Field(default=64 * _MEBIBYTE, ge=0)
    tile_block_bytes: int = Field(default=128 * _MEBIBYTE, ge=0)
    tile_features: int = Field(default=20_000, ge=1)

    reconcile_seconds: float = Field(default=30, gt=0)
    queued_silence_seconds: float = Field(default=60, gt=0)
    working_silence_seconds: float = Field(default=120, gt=0)
    maximum_attempts: int = Field(default=5, ge=1)

    @property
    def origin(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secure_cookie(self) -> bool:
        return self.origin.startswith("https://")
