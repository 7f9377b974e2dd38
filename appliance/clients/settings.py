"""Where the servers are and what opens them: read once per process from `VEDETTE_*` variables by its composition root."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreSettings(BaseSettings):
    """VEDETTE_STORE_*: the S3 endpoint workers use, and the one browsers reach (the same in standalone mode)."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_STORE_", frozen=True)
    endpoint: str
    public_endpoint: str = ""
    access_key: SecretStr
    secret_key: SecretStr
    bucket: str = "vedette"
    region: str = "us-east-1"


class MessagingSettings(BaseSettings):
    """VEDETTE_NATS_*."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_NATS_", frozen=True)
    url: str
    user: str = ""
    password: SecretStr = SecretStr("")


class DatabaseSettings(BaseSettings):
    """VEDETTE_DATABASE_URL: a SQLAlchemy URL, postgresql+psycopg://…"""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_DATABASE_", frozen=True)
    url: SecretStr


class WorkSettings(BaseSettings):
    """VEDETTE_WORK_*: where a worker keeps private temporary files and its cache of model packages, and where Prometheus
    asks it (port 0: nowhere). `name` is what people call it; `detectors` are those it takes runs of, `crowns boats/1.2.0`
    (empty: any); `memory_bytes` is the most that a run on it may use (0: what the machine has). `backend` is what a detector
    worker runs models on, as `vedette predict --backend` takes it, and `precision` what they compute in where a package offers
    it (auto: what was measured to be fastest here); `device_memory_bytes` is the most of a card's memory that one model may use
    (0: all that is free). `batch_*` bound the batches that runs of one detector make together. `serving` is a file that says
    what is to be other than the model packages say (contracts/serving.py), `packages_url` where a model cache answers."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_WORK_", env_ignore_empty=True, frozen=True)
    folder: Path
    name: str = ""
    detectors: str = ""
    memory_bytes: int = Field(default=0, ge=0)
    concurrency: int = Field(default=1, ge=1)
    threads: int = 0
    backend: str = "auto"
    device_memory_bytes: int = Field(default=0, ge=0)
    batch_tiles: int = Field(default=16, ge=1)
    batch_delay_milliseconds: float = Field(default=5.0, ge=0)
    precision: Literal["auto", "fp32", "fp16", "int8"] = "auto"
    serving: Path | None = None
    packages_url: str = ""
    log_format: str = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
