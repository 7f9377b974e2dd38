"""Vedette, installed from its chart on a cluster of the tests' own, and used as its three people use it. Made by conftest.py.

Speaks through helm, kubectl and `vedette`, each a process of its own, and knows nothing that a user would not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import KubectlError, wait_until
from tests.cluster.programs import REPOSITORY
from tests.cluster.target import Target

NAMESPACE = "vedette"
API_PORT, STORE_PORT = 30080, 30900
CHART = REPOSITORY / "charts" / "vedette"
EXAMPLES = REPOSITORY / "docs" / "examples"


class CommandError(Exception):
    """helm or vedette ended with an error; its text is what it said."""


@dataclass(frozen=True)
class Installation:
    cluster: Target
    helm_program: Path
    values: tuple[Path, ...]
    home: Path
    """For what helm and vedette would keep in a home folder."""

    @property
    def address(self) -> str:
        """Of node `plain`, where node ports answer."""
        addresses = self.cluster.kubectl.get("node", "plain")["status"]["addresses"]
        return next(each["address"] for each in addresses if each["type"] == "InternalIP")

    def kubectl(self, *words: str, given: str | None = None, seconds: float = 60) -> str:
        return self.cluster.kubectl("-n", NAMESPACE, *words, given=given, seconds=seconds)

    def get(self, *words: str) -> Any:
        return self.cluster.kubectl.get("-n", NAMESPACE, *words)

    def helm(self, *words: str, seconds: float = 900) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(self.cluster.layout.kubeconfig),
        }
        return _ran([str(self.helm_program), "-n", NAMESPACE, *words], environment, seconds)

    def install(self, *words: str) -> None:
        """`helm upgrade --install`, until all is ready."""
        values = [word for path in self.values for word in ("-f", str(path))]
        urls = [f"api.publicUrl=http://{self.address}:{API_PORT}"]
        urls.append(f"objectStore.publicEndpoint=http://{self.address}:{STORE_PORT}")
        settings = [word for each in urls for word in ("--set", each)]
        self.helm(
            "upgrade", "--install", "vedette", str(CHART), *values, *settings, *words, "--wait", "--timeout", "10m"
        )

    @property
    def token_file(self) -> Path:
        return self.home / "token"

    def vedette(self, *words: str, seconds: float = 300) -> str:
        """The command line on a machine outside of the cluster."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "VEDETTE_URL": f"http://{self.address}:{API_PORT}",
            "VEDETTE_TOKEN": self.token_file.read_text(),
        }
        return _ran([sys.executable, "-m", "appliance.cli.main", *words], environment, seconds)

    def vedette_json(self, *words: str) -> Any:
        return json.loads(self.vedette(*words, "--json"))

    def apply(self, text: str) -> None:
        self.kubectl("apply", "-f", "-", given=text)

    def condition(self, kind: str, name: str, of: str) -> dict[str, Any]:
        """{} while there is none."""
        found = self.get(kind, name).get("status", {}).get("conditions", [])
        return next((each for each in found if each["type"] == of), {})

    def wait(self, kind: str, name: str, condition: str, seconds: int = 180) -> None:
        """By `kubectl wait`, as people do."""
        try:
            self.kubectl(
                "wait", f"--for=condition={condition}", f"{kind}/{name}", f"--timeout={seconds}s", seconds=seconds + 30
            )
        except Exception as error:
            raise TimeoutError(f"{error}\n{self.kubectl('describe', kind, name)}\n{self.state()}") from error

    def wait_for(self, what: str, holds: Any, seconds: float = 120) -> None:
        try:
            wait_until(what, holds, seconds, 0.5)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.state()}") from error

    def state(self) -> str:
        """What a person would look at first when something is wrong."""
        said = []
        for words in (("get", "det,tj,deploy,job,pod", "-o", "wide"), ("logs", "deploy/vedette-operator", "--tail=40")):
            try:
                said.append(self.kubectl(*words))
            except KubectlError as error:
                said.append(str(error))
        return "\n".join(said)


def _ran(command: list[str], environment: dict[str, str], seconds: float) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command[:6])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
