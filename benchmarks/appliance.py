"""A whole appliance of the benchmark's own: `vedette up` in a temporary folder, stopped whatever happens.

Used by the benchmarks that measure what is served; knows the command line and nothing of what is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.standalone import parts, state
from appliance.standalone.layout import DataFolder
from appliance.standalone.ports import free_ports
from appliance.standalone.services.own import Surroundings
from benchmarks.servers import temporary_folder


@dataclass(frozen=True)
class Appliance:
    """`url` is the page's address, `link` signs an administrator in, once."""

    url: str
    link: str
    data: DataFolder

    @property
    def token(self) -> str:
        """An administrator's."""
        return self.data.token.read_text("ascii").strip()

    def around(self) -> Surroundings:
        """Where its servers are, with their credentials."""
        chosen = state.load(self.data)
        assert chosen is not None
        return parts.plan(self.data, chosen, parts.Workers(0, 0)).around


@contextmanager
def running(detector_workers: int) -> Iterator[Appliance]:
    """Ready to be used, with one media worker."""
    with temporary_folder() as folder:
        data = folder / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
        environment["VEDETTE_DATA"] = str(data)
        options = ("--port", str(free_ports(1)[0]), "--detector-workers", str(detector_workers))
        try:
            told = _vedette(environment, "up", "--detach", *options)
            url, link = (line.rsplit(" ", 1)[1] for line in told.splitlines())
            yield Appliance(url, link, DataFolder.of(data))
        finally:
            _vedette(environment, "down", check=False)


def _vedette(environment: dict[str, str], *words: str, check: bool = True) -> str:
    command = [sys.executable, "-m", "appliance.cli.main", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if check and done.returncode:
        raise SystemExit(f"`vedette {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
