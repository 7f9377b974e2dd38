"""SeaweedFS as one process: master, volumes, filer and S3, all on loopback, with one identity that has keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from appliance.clients.settings import StoreSettings
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials, write_private
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service

PORTS = 8
"""How many ports one server takes: S3, master, volume and filer, each with its gRPC twin."""


@dataclass(frozen=True)
class SeaweedFS:
    """One server. `ports` are PORTS of them, S3's first; `origins` as in Minio."""

    folder: Path
    ports: tuple[int, ...]
    credentials: Credentials
    origins: tuple[str, ...] = ()

    def settings(self) -> StoreSettings:
        return StoreSettings(
            endpoint=f"http://{LOOPBACK}:{self.ports[0]}",
            access_key=SecretStr(self.credentials.secret("store-access-key")[:20]),
            secret_key=SecretStr(self.credentials.secret("store-secret-key")),
        )

    def service(self) -> Service:
        return Service(
            name="store",
            command=(str(binaries.weed()), *self._arguments()),
            folder=self.folder,
            environment={"HOME": str(self.folder), "TMPDIR": str(self.folder)},
            ready=self._ready,
            alive=self._alive,
            ports=self.ports,
            prepare=self._prepare,
            # Its filer waits 15 s for its own S3 gateway to hang up; a killed server loses nothing the kernel has.
            stop_seconds=3,
            leftovers=tuple(
                Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock")  # noqa: S108 - its own choice, there is no option
                for part, port in zip(("s3", "master", "volume", "filer"), self.ports[1::2], strict=True)
            ),
        )

    def _arguments(self) -> list[str]:
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self.ports
        origins = ",".join(self.origins) or "*"
        return [
            "-logtostderr=true",
            "server",
            f"-dir={self.folder / 'data'}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-master.port={master}",
            f"-master.port.grpc={master_grpc}",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            "-master.electionTimeout=1s",
            f"-volume.port={volume}",
            f"-volume.port.grpc={volume_grpc}",
            "-volume.max=0",
            "-volume.preStopSeconds=0",
            "-volume.index=leveldb",
            "-filer",
            f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}",
            "-filer.localSocket=filer.sock",
            f"-filer.allowedOrigins={origins}",
            "-s3",
            f"-s3.ip.bind={LOOPBACK}",
            f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.iam=false",
            "-s3.localSocket=s3.sock",
            f"-s3.allowedOrigins={origins}",
            f"-s3.config={self._configuration}",
        ]

    @property
    def _configuration(self) -> Path:
        return self.folder / "s3.json"

    def _prepare(self) -> None:
        (self.folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = self.settings()
        keys = {
            "accessKey": settings.access_key.get_secret_value(),
            "secretKey": settings.secret_key.get_secret_value(),
        }
        identity = {"name": "vedette", "credentials": [keys], "actions": ["Admin"]}
        write_private(self._configuration, json.dumps({"identities": [identity]}))
        write_private(self.folder / "security.toml", self._security())

    def _security(self) -> str:
        """Volume and filer refuse whoever has no token signed with these keys; read from the working directory."""
        key = self.credentials.secret("store-internal")
        sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
        return "".join(f'[{section}]\nkey = "{key}"\n' for section in sections)

    def _alive(self, _: int) -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{self.ports[0]}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _ready(self, _: int) -> bool:
        """S3 answers, and a volume server has told the master that it has room: writes would fail before."""
        try:
            s3 = httpx.get(f"http://{LOOPBACK}:{self.ports[0]}/healthz", timeout=1)
            room = httpx.get(f"http://{LOOPBACK}:{self.ports[2]}/dir/status", timeout=1).json()
        except (httpx.HTTPError, ValueError):
            return False
        return s3.status_code == 200 and int(room.get("Topology", {}).get("Max", 0)) > 0
