"""NATS with JetStream: file storage, every message on disk before it is acknowledged, one user with a password.

A second user, of the system account, may ask the server how it is and reaches no message.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from appliance.clients.settings import MessagingSettings
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials, write_private
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service

USER = "vedette"
_WATCHER = "watcher"
_INBOX = "_INBOX.readiness"
_HEALTH = "$SYS.REQ.SERVER.PING.HEALTHZ"


@dataclass(frozen=True)
class Nats:
    """One server. `durable=False` is for tests alone: it does without fsync."""

    folder: Path
    port: int
    credentials: Credentials
    durable: bool = True

    def settings(self) -> MessagingSettings:
        password = SecretStr(self.credentials.secret("messaging"))
        return MessagingSettings(url=f"nats://{LOOPBACK}:{self.port}", user=USER, password=password)

    def service(self) -> Service:
        return Service(
            name="nats",
            command=(str(binaries.nats_server()), "--config", str(self._configuration)),
            folder=self.folder,
            ready=lambda process: self._greets(process) and self._alive(process),
            alive=self._alive,
            ports=(self.port,),
            prepare=self._prepare,
        )

    @property
    def _configuration(self) -> Path:
        return self.folder / "nats.conf"

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = self.folder / "jetstream"
        sync = "always" if self.durable else '"2m"'
        # JSON strings are valid strings of the server's own configuration language, with every escape it knows.
        text = f"""
listen: {json.dumps(f"{LOOPBACK}:{self.port}")}
server_name: "vedette"
jetstream {{ store_dir: {json.dumps(str(store))}, sync_interval: {sync}, max_memory_store: 64MB }}
authorization {{ users: [ {self._user(USER, "messaging")} ] }}
accounts {{ SYS: {{ users: [ {self._user(_WATCHER, "messaging-watcher")} ] }} }}
system_account: SYS
max_payload: 4MB
"""
        write_private(self._configuration, text)

    def _user(self, name: str, secret: str) -> str:
        return json.dumps({"user": name, "password": self.credentials.secret(secret)})

    def _alive(self, _: int) -> bool:
        """Each stream stores, too: one that met a full disk takes nothing more until the process is started again.

        Asked in the protocol's own words, so that it may be asked from any thread.
        """
        access = {"user": _WATCHER, "pass": self.credentials.secret("messaging-watcher"), "verbose": False}
        question = f"CONNECT {json.dumps(access)}\r\nSUB {_INBOX} 1\r\nPUB {_HEALTH} {_INBOX} 0\r\n\r\n"
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(question.encode())
                lines = connection.makefile("rb")
                while not (line := lines.readline(65536)).startswith(b"MSG "):
                    if not line or line.startswith(b"-ERR"):
                        return False
                return bool(json.loads(lines.read(int(line.split()[-1])))["data"]["status"] == "ok")
        except (OSError, ValueError, KeyError):
            return False

    def _greets(self, _: int) -> bool:
        """The server greets with a line of INFO; it says `jetstream` once the streams are recovered."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                greeting = connection.makefile("rb").readline(65536)
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and bool(json.loads(greeting[5:]).get("jetstream"))
