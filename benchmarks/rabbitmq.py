"""A RabbitMQ node of the benchmark's own: Debian's packages unpacked into the cache, never installed, on loopback alone.

Used by `dispatch`. `python -m benchmarks.rabbitmq` unpacks it beforehand. Nothing of the system is changed, and no service of
Debian's is started: the node and its port mapper are children of the benchmark, in a folder of their own, ended by their ids.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from benchmarks.scenes import cache_folder
from benchmarks.servers import running

_PACKAGE = "rabbitmq-server"
_CONFIGURATION = """listeners.tcp.1 = {address}:{port}
default_user = bench
default_pass = {password}
log.console = true
log.file = false
"""


@contextmanager
def node(folder: Path) -> Iterator[str]:
    """A running node; its AMQP URL, which holds its password."""
    root, password = prepared(), secrets.token_hex(16)
    ports = free_ports(3)
    home = folder / "rabbitmq"
    home.mkdir(mode=0o700)
    (home / "rabbitmq.conf").write_text(_CONFIGURATION.format(address=LOOPBACK, port=ports[0], password=password))
    (home / "rabbitmq.conf").chmod(0o600)
    environment = {
        "PATH": f"{root / 'wrapped'}:{os.environ['PATH']}",
        "HOME": str(home),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_NODENAME": "bench@localhost",
        "RABBITMQ_DIST_PORT": str(ports[1]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(ports[2]),
    }
    mapper = (str(_erts(root) / "bin" / "epmd"),)
    [server] = root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    with (
        running(_service("epmd", mapper, home, environment, ports[2])),
        running(_service("rabbitmq", ("/bin/sh", str(server)), home, environment, ports[0])),
    ):
        yield f"amqp://bench:{password}@{LOOPBACK}:{ports[0]}//"


def prepared() -> Path:
    """The folder with the unpacked packages, of the version that this machine's Debian offers."""
    folder = cache_folder() / f"rabbitmq-{_version()}"
    if not (folder / ".ready").exists():
        print(f"· {_PACKAGE}, unpacked from Debian's packages", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as downloads:
            for package in _downloaded(Path(downloads)):
                subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
        _wrap(folder)
        (folder / ".ready").touch()
    return folder


def _version() -> str:
    told = subprocess.run(["apt-cache", "policy", _PACKAGE], capture_output=True, text=True, check=True).stdout
    lines = [line.split(":", 1)[1].strip() for line in told.splitlines() if "Candidate:" in line]
    if not lines or lines[0] == "(none)":
        raise SystemExit(f"Debian's {_PACKAGE} is not known here. As root: apt-get update")
    return lines[0]


def _downloaded(folder: Path) -> list[Path]:
    """With all that it needs and this machine lacks."""
    (folder / "partial").mkdir()
    options = ["-o", f"Dir::Cache::archives={folder}", "-o", "Debug::NoLocking=1", "--no-install-recommends"]
    options += ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["apt-get", "-qq", "-y", "--download-only", *options, "install", _PACKAGE], check=True, stdout=sys.stderr
    )
    return sorted(folder.glob("*.deb"))


def _wrap(folder: Path) -> None:
    """Debian's `erl` knows one place only, /usr/lib/erlang: ours is the same with the place where it was unpacked."""
    binaries = _erts(folder) / "bin"
    script = folder / "wrapped" / "erl"
    script.parent.mkdir()
    script.write_text(
        f"#!/bin/sh\nexport ROOTDIR='{folder}/usr/lib/erlang' BINDIR='{binaries}' EMU=beam PROGNAME=erl\n"
        f"exec '{binaries}/erlexec' \"$@\"\n"
    )
    script.chmod(0o755)


def _erts(folder: Path) -> Path:
    [found] = folder.glob("usr/lib/erlang/erts-*")
    return found


def _service(name: str, command: tuple[str, ...], home: Path, environment: dict[str, str], port: int) -> Service:
    def answers(_: int) -> bool:
        try:
            with socket.create_connection((LOOPBACK, port), timeout=1):
                return True
        except OSError:
            return False

    return Service(name=name, command=command, folder=home, ready=answers, environment=environment, ports=(port,))


if __name__ == "__main__":
    print(prepared())
