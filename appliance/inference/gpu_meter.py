"""What NVIDIA's cards do, for Prometheus, under Triton's names. Made by worker.py. The only file that names pynvml.

Cards are asked when Prometheus asks. What cannot be told is absent, never zero: all of it without the driver's library, one
figure where a card lacks it, one card once it has fallen off the bus, which is said in the log once. Nothing here raises.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pynvml
from prometheus_client import Metric
from prometheus_client.registry import Collector

from appliance.clients import logging

_MEANINGS = {
    "nv_gpu_utilization": "Share of the last moments in which the card computed, 0 to 1.",
    "nv_gpu_memory_used_bytes": "Memory of the card that is in use, by whomever.",
    "nv_gpu_memory_total_bytes": "Memory of the card.",
    "nv_gpu_power_usage": "What the card draws, in watts.",
    "nv_energy_consumption": "What the card has used since this worker began, in joules.",
    "vedette_worker_gpu_memory_bytes": "Memory of the card that this worker holds.",
}


@dataclass(frozen=True)
class Card:
    """One card as the driver tells of it. `clock_hertz` is the highest of its processors, `bytes_per_second` that of its
    memory; None where the driver does not say."""

    uuid: str
    name: str
    capability: tuple[int, int]
    cores: int | None
    clock_hertz: float | None
    bytes_per_second: float | None


class GpuMeter(Collector):
    """The cards that this process may use: those of CUDA_VISIBLE_DEVICES where it is set, by number or UUID, else all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lost: set[str] = set()
        self._handles = _handles()
        self._began = {uuid: self._ask(uuid, _joules) for uuid in self._handles}

    def collect(self) -> Iterator[Metric]:
        asked: dict[str, Callable[[Any], float]] = {
            "nv_gpu_utilization": lambda handle: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
            "nv_gpu_memory_used_bytes": lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle).used,
            "nv_gpu_memory_total_bytes": lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle).total,
            "nv_gpu_power_usage": lambda handle: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,
        }
        told = {name: {uuid: self._ask(uuid, ask) for uuid in self._handles} for name, ask in asked.items()}
        told["nv_energy_consumption"] = {uuid: self._used(uuid) for uuid in self._handles}
        told["vedette_worker_gpu_memory_bytes"] = {uuid: self._held(uuid) for uuid in self._handles}
        for name, values in told.items():
            metric = Metric(name, _MEANINGS[name], "unknown")
            for uuid, value in values.items():
                if value is not None:
                    metric.add_sample(name, {"gpu_uuid": uuid}, float(value))
            if metric.samples:
                yield metric

    def joules(self) -> float | None:
        """What the cards have used together since this was made; None where none tells."""
        used = [joules for uuid in self._handles if (joules := self._used(uuid)) is not None]
        return sum(used) if used else None

    def process_bytes(self) -> int | None:
        """Memory that this process holds on the cards; None where the driver does not tell, as in many containers."""
        held = [int(amount) for uuid in self._handles if (amount := self._held(uuid)) is not None]
        return sum(held) if held else None

    def cards(self) -> list[Card]:
        """Those that answer."""
        found = []
        for uuid in self._handles:
            name, capability = self._ask(uuid, pynvml.nvmlDeviceGetName), self._ask(uuid, _capability)
            if name is None or capability is None:
                continue
            megahertz = self._ask(uuid, lambda handle: pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM))
            cores = self._ask(uuid, pynvml.nvmlDeviceGetNumGpuCores)
            speed = self._ask(uuid, _bytes_per_second)
            found.append(Card(uuid, name, capability, cores, megahertz and megahertz * 1e6, speed))
        return found

    def _used(self, uuid: str) -> float | None:
        now, began = self._ask(uuid, _joules), self._began[uuid]
        return None if now is None or began is None else now - began

    def _held(self, uuid: str) -> float | None:
        held: float | None = self._ask(uuid, _of_this_process)
        return held

    def _ask(self, uuid: str, what: Callable[[Any], Any]) -> Any:
        """What the driver says of the card; None where it says nothing."""
        with self._lock:
            if uuid in self._lost:
                return None
            try:
                return what(self._handles[uuid])
            except (
                pynvml.NVMLError_GpuIsLost,
                pynvml.NVMLError_ResetRequired,
                pynvml.NVMLError_Uninitialized,
            ) as error:
                self._lost.add(uuid)
                logging.get().warning("card lost", gpu=uuid, reason=str(error))
            except (pynvml.NVMLError, OSError, UnicodeDecodeError):
                pass
        return None


def _handles() -> dict[str, Any]:
    """By UUID; empty where there is no driver."""
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        named = {pynvml.nvmlDeviceGetUUID(handle): handle for handle in handles}
    except (pynvml.NVMLError, OSError):
        return {}
    return {uuid: named[uuid] for uuid in visible(list(named), os.environ.get("CUDA_VISIBLE_DEVICES"))}


def visible(uuids: Sequence[str], wanted: str | None) -> list[str]:
    """Those that CUDA_VISIBLE_DEVICES lets through, in its order: numbers or beginnings of UUIDs, up to the first unknown."""
    if wanted is None:
        return list(uuids)
    found: list[str] = []
    for entry in (part.strip() for part in wanted.split(",")):
        matching = [uuid for uuid in uuids if entry and uuid.startswith(entry)]
        if entry.isdigit() and int(entry) < len(uuids):
            matching = [uuids[int(entry)]]
        if len(matching) != 1 or matching[0] in found:
            break
        found += matching
    return found


def _joules(handle: Any) -> float:
    return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000)


def _capability(handle: Any) -> tuple[int, int]:
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return int(major), int(minor)


def _bytes_per_second(handle: Any) -> float:
    """The memory's clock as NVML tells it, twice a tick, times the width of its bus."""
    megahertz = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_MEM)
    return float(megahertz * 1e6 * 2 * pynvml.nvmlDeviceGetMemoryBusWidth(handle) / 8)


def _of_this_process(handle: Any) -> float | None:
    running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    held = [each.usedGpuMemory for each in running if each.pid == os.getpid() and each.usedGpuMemory is not None]
    return float(sum(held)) if held else None
