"""How far a build is, from the phases that TensorRT reports. Used by compile.py; knows no TensorRT.

Phases nest: one step of a phase may be a phase of its own. Names may come again, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class Phases:
    """Safe from any thread. `fraction` never falls, whatever is reported."""

    def __init__(self) -> None:
        self._open: dict[str, _Phase] = {}
        self._lock = Lock()
        self._most = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> float:
        with self._lock:
            self._open[name] = _Phase(parent, max(1, steps))
            return self._fraction()

    def step(self, name: str, step: int) -> float:
        """Step `step`, from 0, of this phase is over."""
        with self._lock:
            if name in self._open:
                self._open[name].done = step + 1
            return self._fraction()

    def finish(self, name: str) -> float:
        with self._lock:
            ended = self._open.pop(name, None)
            if ended is not None and ended.parent is None:
                self._most = 1.0
            return self._fraction()

    def _fraction(self) -> float:
        roots = [name for name, phase in self._open.items() if phase.parent is None]
        if roots:
            self._most = max(self._most, min(1.0, self._of(roots[0], set())))
        return self._most

    def _of(self, name: str, seen: set[str]) -> float:
        phase = self._open[name]
        within = [each for each, other in self._open.items() if other.parent == name and each not in seen]
        inner = max((self._of(each, seen | {name}) for each in within), default=0.0)
        return min(1.0, (phase.done + inner) / phase.steps)
