"""The container engine of this machine, docker or podman, by its command line. Used by kind_cluster.py and kind_node.py."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError
from tests.cluster.feeding import Archive, feed

_NAMES = ("docker", "podman")


class EngineError(RuntimeError):
    """What it said when it ended with an error."""


@dataclass(frozen=True)
class Engine:
    name: str

    def __call__(self, *words: str, seconds: float = 60) -> str:
        """What it printed. Raises EngineError."""
        done = self.asked(*words, seconds=seconds)
        if done.returncode != 0:
            raise EngineError(f"{self.name} {' '.join(words[:3])}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def asked(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.name, *words], capture_output=True, text=True, timeout=seconds, check=False)

    def fed(self, archive: Archive, *words: str) -> None:
        """With the archive as standard input. Raises EngineError."""
        status, said = feed([self.name, *words], archive)
        if status != 0:
            raise EngineError(f"{self.name} {' '.join(words[:3])}: {said}")


def found() -> Engine:
    """VedetteError where there is none, or it does not answer us."""
    for name in _NAMES:
        if shutil.which(name):
            engine = Engine(name)
            try:
                engine("info", seconds=30)
            except (EngineError, subprocess.TimeoutExpired) as error:
                message = f"{name} does not answer: {' '.join(str(error).split())[:300]}"
                raise VedetteError(Code.UNAVAILABLE, message, "Start it, and see that you may use it.") from error
            return engine
    message = "kind needs a container engine, and there is neither docker nor podman."
    raise VedetteError(Code.NOT_FOUND, message, "Install one, or use `make cluster`, which needs none.")
