"""ONNX Runtime's telemetry is off wherever it is imported from: it leaves no identifier and no queue of events, and asks for no
name of a host. What it would send is known from a run without the switch: docs/backends.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inference.models import write_package

_ROOT = Path(__file__).parents[3]
_SWITCH = "ORT_DISABLE_TELEMETRY"
_OPEN = """
from appliance.formats import model_package
from appliance.inference.backends import catalogue
from appliance.inference.backends.base import Allowance, blank
package = model_package.read(Path(sys.argv[1]))
backend = catalogue.named(sys.argv[2]).open(package, Allowance(threads=1))
backend.infer(blank(package.manifest.input, 1))
backend.close()
"""
_WAYS = {
    "onnxruntime": _OPEN,
    "quantiser": "import appliance.inference.graphs.int8\n",
}
_LOOK = """
assert any(name.partition(".")[0] == "onnxruntime" for name in sys.modules)
sockets = [link for link in map(os.readlink, os.scandir("/proc/self/fd")) if link.startswith("socket:")]
print(len(sockets), os.environ["ORT_DISABLE_TELEMETRY"])
"""


@pytest.mark.parametrize("way", _WAYS)
def test_onnxruntime_leaves_nothing_behind_and_opens_no_socket(way: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in (_SWITCH, "XDG_CACHE_HOME")}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary)}
    script = "import os, sys\nfrom pathlib import Path\n" + _WAYS[way] + _LOOK
    command = [sys.executable, "-c", script, str(package.folder), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=_ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1"]
    assert [each for folder in (home, temporary) for each in folder.rglob("*") if each.is_file()] == []
