"""Which card an engine would be built for, by NVML. Used by request.py; knows no TensorRT and starts no CUDA."""

from __future__ import annotations

import os
from typing import Any, Literal

from appliance.inference.engines.spec import NO_DEVICE, Device


def here() -> Device | Literal["no device"]:
    """The first card that CUDA would use; NO_DEVICE without a driver, without a card, or without NVML's bindings."""
    try:
        import pynvml
    except ImportError:
        return NO_DEVICE
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return NO_DEVICE
    try:
        card = _card(pynvml, os.environ.get("CUDA_VISIBLE_DEVICES"))
        return NO_DEVICE if card is None else _described(pynvml, card)
    except pynvml.NVMLError:
        return NO_DEVICE
    finally:
        pynvml.nvmlShutdown()


def _card(nvml: Any, visible: str | None) -> Any:
    """The handle; NVML counts cards by their place on the bus, as CUDA_DEVICE_ORDER=PCI_BUS_ID does."""
    first = "0" if visible is None else visible.split(",")[0].strip()
    if first.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(first)) if int(first) < nvml.nvmlDeviceGetCount() else None
    return nvml.nvmlDeviceGetHandleByUUID(first) if first.startswith("GPU-") else None


def _described(nvml: Any, card: Any) -> Device:
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(card)
    return Device(
        name=nvml.nvmlDeviceGetName(card),
        compute_capability=f"{major}.{minor}",
        cores=nvml.nvmlDeviceGetNumGpuCores(card),
        driver_major=int(nvml.nvmlSystemGetDriverVersion().split(".")[0]),
    )
