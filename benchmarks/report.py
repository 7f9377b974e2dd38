"""One comparison as a JSON line, and the machine it was measured on. Used by every benchmark; measures nothing."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import psutil

T = TypeVar("T")


@dataclass(frozen=True)
class Comparison:
    """`ratio` is ours / peer; `better` says which way it should go. Both figures are medians, in `unit`."""

    name: str
    metric: str
    ours: float
    peer: float
    peer_name: str
    better: Literal["higher", "lower"]
    unit: str

    @property
    def ratio(self) -> float | None:
        """None beside a peer of nothing at all: a budget of zero has no ratio."""
        return self.ours / self.peer if self.peer else None

    def line(self) -> str:
        """The JSON line; figures to four significant digits."""
        figures = {key: _rounded(value) for key, value in asdict(self).items()}
        return json.dumps({**figures, "ratio": _rounded(self.ratio), "machine": machine()})


def compare(
    name: str, metric: str, ours: Sequence[float], peer: tuple[str, Sequence[float]], better: str, unit: str
) -> Comparison:
    """Medians of both sides' rounds. `peer` is its name and its rounds."""
    if better not in ("higher", "lower"):
        raise ValueError(f"better must be higher or lower, not {better}")
    peer_name, rounds = peer
    return Comparison(
        name,
        metric,
        statistics.median(ours),
        statistics.median(rounds),
        peer_name,
        "higher" if better == "higher" else "lower",
        unit,
    )


def interleave(rounds: int, **sides: Callable[[], T]) -> dict[str, list[T]]:
    """Run the sides in turn, `rounds` times: what slows the machine for a while slows all of them."""
    results: dict[str, list[T]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            results[name].append(side())
    return results


@cache
def machine() -> str:
    """Processor, cores and memory, in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    gibibytes = psutil.virtual_memory().total / 2**30
    return f"{model}, {psutil.cpu_count()} CPUs, {gibibytes:.0f} GiB, {platform.system()} {platform.release()}"


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
