"""Runs one side of a comparison in a process of its own: ours with this Python, a peer's with the peers' environment.

The peers' environment is made on demand from requirements/peers.txt, apart from ours, keyed by the lock's digest;
`python -m benchmarks.environment` makes it beforehand and prints its Python.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.scenes import cache_folder

_ROOT = Path(__file__).resolve().parents[1]
_LOCK = _ROOT / "requirements" / "peers.txt"
_SCRIPTS = Path(__file__).parent / "peers"
_SAMPLE_SECONDS = 0.05


def run_side(module: str, **arguments: object) -> dict[str, Any]:
    """Run a module of benchmarks.sides; returns the JSON object of its last line, `peak_megabytes` among it."""
    return _run([sys.executable, "-m", f"benchmarks.sides.{module}"], arguments)


def run_peer(script: str, **arguments: object) -> dict[str, Any]:
    """Run a script of benchmarks/peers with the peers' Python; returns the JSON object of its last line."""
    return _run([str(peers_python()), str(_SCRIPTS / f"{script}.py")], arguments)


def peers_folder() -> Path:
    """Where the peers' environment lies, made or not."""
    return cache_folder() / f"peers-{hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]}"


def peers_ready() -> bool:
    return (peers_folder() / ".ready").exists()


def peers_python() -> Path:
    """The peers' Python; the environment is made first where needed."""
    folder = peers_folder()
    if not peers_ready():
        uv = shutil.which("uv") or str(cache_folder() / "uv" / "bin" / "uv")
        print(f"· peers' environment from {_LOCK.name}", file=sys.stderr)
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
        subprocess.run([*install, "--require-hashes", "-r", str(_LOCK)], check=True)
        (folder / ".ready").touch()
    return folder / "bin" / "python"


def _run(command: list[str], arguments: dict[str, object]) -> dict[str, Any]:
    """`tree_megabytes` is added: the most that the process and its children were seen to hold together."""
    given = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    with subprocess.Popen([*command, *given], stdout=subprocess.PIPE, cwd=_ROOT, text=True) as process:
        peak = _peak_megabytes(process)
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    if process.returncode or not lines:
        raise SystemExit(f"{' '.join([*command, *given])} exited with {process.returncode}.")
    result: dict[str, Any] = json.loads(lines[-1])
    return {**result, "tree_megabytes": max(peak, result.get("peak_megabytes", 0.0))}


def _peak_megabytes(process: subprocess.Popen[str]) -> float:
    """Watch until it ends. Sampled, so a short peak may be missed: sides report their own exact one as well."""
    peak = 0.0
    root = psutil.Process(process.pid)
    while process.poll() is None:
        held = 0
        with contextlib.suppress(psutil.Error):
            for member in (root, *root.children(recursive=True)):
                held += member.memory_info().rss
        peak = max(peak, held / 1e6)
        time.sleep(_SAMPLE_SECONDS)
    return peak


if __name__ == "__main__":
    print(peers_python())
