"""What computes here, by name: part of the key under which a choice is remembered. Asked by choice.py and onnxruntime.py."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_CARDS = Path("/proc/driver/nvidia/gpus")


def processor() -> str:
    """The processor's model, and how many cores this process may use."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.is_file() else None
    name = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{name}, {cores()} cores"


def cores() -> int:
    return len(os.sched_getaffinity(0))


def cards() -> list[str]:
    """The NVIDIA cards that the driver shows, by model."""
    told = sorted(_CARDS.glob("*/information"))
    models = [re.search(r"^Model:\s*(.+)$", one.read_text(), re.MULTILINE) for one in told]
    return [found[1] for found in models if found]
