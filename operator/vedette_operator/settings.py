"""What the chart tells the operator: VEDETTE_OPERATOR_*, read once by main.py."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from vedette_operator.build.pod import Surroundings


class OperatorSettings(BaseSettings):
    """`identity`: the name of our pod, which holds the Lease. `image_pull_secrets`: names, separated by commas."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_OPERATOR_", frozen=True)
    namespace: str
    inference_image: str
    training_image: str
    identity: str
    clients_secret: str = "vedette-clients"  # noqa: S105 - a name, not a secret
    worker_service_account: str = "vedette-worker"
    packages_url: str = ""
    image_pull_secrets: str = ""
    log_format: str = "json"
    host: str = "0.0.0.0"  # noqa: S104 - the kubelet asks from outside of the pod
    health_port: int = Field(default=8080, ge=0)
    metrics_port: int = Field(default=9090, ge=0)
    concurrency: int = Field(default=8, ge=1)

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            inference_image=self.inference_image,
            training_image=self.training_image,
            clients_secret=self.clients_secret,
            service_account=self.worker_service_account,
            packages_url=self.packages_url,
            image_pull_secrets=tuple(filter(None, (name.strip() for name in self.image_pull_secrets.split(",")))),
        )
