"""What the chart tells the webhook: VEDETTE_OPERATOR_WEBHOOK_*, read once by main.py."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebhookSettings(BaseSettings):
    """`configuration`: the name of the ValidatingWebhookConfiguration, empty: there is no webhook. `service`: by which the API
    server finds us. `secret` holds the certificates."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_OPERATOR_WEBHOOK_", frozen=True)
    configuration: str = ""
    service: str = "vedette-operator"
    secret: str = "vedette-webhook-certificates"  # noqa: S105 - a name, not a secret
    host: str = "0.0.0.0"  # noqa: S104 - the API server asks from outside of the pod
    port: int = Field(default=9443, ge=0)
    look_seconds: float = Field(default=60.0, gt=0)
