"""Which card an engine is for, as NVML tells it: a small library of the same interface stands in for a driver's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.inference.engines import device
from appliance.inference.engines.spec import NO_DEVICE, Device

_SOURCE = r"""
#include <string.h>
typedef struct card *card;
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "failed"; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, card *found) { *found = (card)(long)(index + 1); return index < 2 ? 0 : 2; }
int nvmlDeviceGetHandleByUUID(const char *uuid, card *found) { *found = (card)2; return strcmp(uuid, "GPU-second") ? 6 : 0; }
int nvmlDeviceGetName(card it, char *name, unsigned length) { strcpy(name, (long)it == 1 ? "First" : "Second"); return 0; }
int nvmlDeviceGetCudaComputeCapability(card it, int *major, int *minor) { *major = 8; *minor = 5 + (int)(long)it; return 0; }
int nvmlDeviceGetNumGpuCores(card it, unsigned *cores) { *cores = 1024 * (unsigned)(long)it; return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { strcpy(version, "580.65.06"); return 0; }
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "nvml.c").write_text(_SOURCE)
    command = [compiler, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", folder / "nvml.c"]
    subprocess.run(command, check=True, timeout=100)
    return folder


def _seen(driver: Path, visible: str | None) -> str:
    """In a process of its own: a library is loaded once."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(driver), "CUDA_VISIBLE_DEVICES": visible or ""}
    if visible is None:
        del environment["CUDA_VISIBLE_DEVICES"]
    text = "from appliance.inference.engines import device as d; x = d.here(); print(x if isinstance(x, str) else x.model_dump_json())"
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_first_card_that_cuda_would_use(driver: Path) -> None:
    first = Device(name="First", compute_capability="8.6", cores=1024, driver_major=580)
    second = Device(name="Second", compute_capability="8.7", cores=2048, driver_major=580)
    assert Device.model_validate_json(_seen(driver, None)) == first
    assert Device.model_validate_json(_seen(driver, "1,0")) == second
    assert Device.model_validate_json(_seen(driver, "GPU-second")) == second


@pytest.mark.parametrize("visible", ["-1", "7", "GPU-none", "nonsense"])
def test_no_card_that_cuda_would_use(driver: Path, visible: str) -> None:
    assert _seen(driver, visible) == NO_DEVICE


def test_no_card_that_may_be_used_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the machine's own NVML, or with none."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.here() == NO_DEVICE
