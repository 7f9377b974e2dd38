"""MinIO on one folder: S3 on loopback, no console, no call to any other machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from appliance.clients.settings import StoreSettings
from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service


@dataclass(frozen=True)
class Minio:
    """One server. `origins` are the pages that may upload from a browser; empty means any."""

    folder: Path
    port: int
    credentials: Credentials
    origins: tuple[str, ...] = ()

    def settings(self) -> StoreSettings:
        return StoreSettings(
            endpoint=f"http://{LOOPBACK}:{self.port}",
            access_key=SecretStr(self.credentials.secret("store-access-key")[:20]),
            secret_key=SecretStr(self.credentials.secret("store-secret-key")),
        )

    def service(self) -> Service:
        program = binaries.minio()
        if program is None:
            raise VedetteError(Code.UNAVAILABLE, "MinIO is not in the cache.", "Build it: scripts/build_minio.sh")
        settings = self.settings()
        return Service(
            name="store",
            command=(
                str(program),
                "server",
                "--quiet",
                "--address",
                f"{LOOPBACK}:{self.port}",
                "--certs-dir",
                str(self.folder / "certs"),
                str(self.folder / "data"),
            ),
            folder=self.folder,
            environment={
                "MINIO_ROOT_USER": settings.access_key.get_secret_value(),
                "MINIO_ROOT_PASSWORD": settings.secret_key.get_secret_value(),
                "MINIO_REGION_NAME": settings.region,
                "MINIO_API_CORS_ALLOW_ORIGIN": ",".join(self.origins) or "*",
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                "MINIO_CALLHOME_ENABLE": "off",
                "HOME": str(self.folder),
            },
            ready=lambda _: self._answers("ready"),
            alive=lambda _: self._answers("live"),
            ports=(self.port,),
            prepare=lambda: self.folder.mkdir(mode=0o700, parents=True, exist_ok=True),
        )

    def _answers(self, what: str) -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{self.port}/minio/health/{what}", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
