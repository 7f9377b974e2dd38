"""Ask a cluster something with its own kubectl, and wait until it answers as hoped. Knows no part of the cluster."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class KubectlError(Exception):
    """kubectl ended with an error; its text is what it said."""


class Kubectl:
    def __init__(self, program: str, kubeconfig: Path) -> None:
        self.program = program
        self._kubeconfig = kubeconfig

    def __call__(self, *words: str, given: str | None = None, seconds: float = 60) -> str:
        """Run it and return what it printed. Raises KubectlError."""
        # Its cache of what the API offers would otherwise go to the home folder, and outlive the cluster.
        cache = self._kubeconfig.parent / "kubectl-cache"
        environment = {"PATH": os.environ["PATH"], "KUBECONFIG": str(self._kubeconfig), "KUBECACHEDIR": str(cache)}
        done = subprocess.run(
            [self.program, *words],
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            raise KubectlError((done.stderr or done.stdout).strip())
        return done.stdout

    def get(self, *words: str) -> Any:
        """`kubectl get` of these, parsed."""
        return json.loads(self("get", *words, "-o", "json"))

    def apply(self, *manifests: dict[str, Any]) -> None:
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self("apply", "-f", "-", given=json.dumps(document))


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 90, pause: float = 0.2) -> None:
    """Ask again until it holds; what the API refuses meanwhile is taken for a no. TimeoutError says what never came."""
    deadline = time.monotonic() + seconds
    while True:
        reason = ""
        try:
            if holds():
                return
        except (KubectlError, subprocess.TimeoutExpired) as error:
            reason = f": {error}"
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s{reason}")
        time.sleep(pause)
