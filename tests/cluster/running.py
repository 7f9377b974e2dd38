"""The processes of a cluster as they run: start a part in its place, end it, open and close places. Used by cluster.py.

Knows no program and no Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cluster import cgroups, namespaces, parts
from tests.cluster.addresses import Addresses
from tests.cluster.files import private_folder
from tests.cluster.kubectl import wait_until
from tests.cluster.layout import CONTROL, NODES, Layout
from tests.cluster.parts import Part, Process
from tests.cluster.state import State, load, save

_TAIL = 15  # lines of its log that are told of a part that ended


class EndedError(RuntimeError):
    """A part ended that should run; its text has the end of its log."""


class Running:
    """`orphans` live on when we end."""

    def __init__(self, layout: Layout, *, orphans: bool) -> None:
        self._layout = layout
        self._orphans = orphans

    @property
    def addresses(self) -> Addresses:
        return Addresses(self._state.network)

    def found(self, name: str) -> Process | None:
        """The part as it was last started, running or not; None where it was never started, or ended on purpose."""
        state = load(self._layout.state)
        return None if state is None else state.process(name)

    def ended(self) -> list[str]:
        """Names of parts that should run and do not."""
        state = self._state
        return [name for name in state.processes if not (process := state.process(name)) or not process.alive]

    def open(self, place: str) -> None:
        """Make the place, with its network; of a node also its mounts."""
        group = self._layout.cgroup(place)
        cgroups.create(f"{group}/parts")
        anchor = self._begin(Part(f"place@{place}", place, namespaces.ANCHOR))
        namespaces.wait_for(anchor.pid)
        if place == CONTROL:
            namespaces.build_hub(anchor.pid, self._layout.id, self.addresses)
        else:
            namespaces.connect(place, anchor.pid, self._anchor(CONTROL).pid, self.addresses)
            namespaces.mount_node(anchor.pid, self._layout.var(place))

    def close(self, place: str) -> None:
        """End all that runs there at once, as a power cut does, with all that it started in turn."""
        cgroups.kill(self._layout.cgroup(place))
        state = self._state
        for name in list(state.processes):
            if name.endswith(f"@{place}") or (place == CONTROL and "@" not in name):
                state = state.without(name)
        save(state, self._layout.state)

    def start(self, part: Part) -> None:
        """Does nothing where it runs already."""
        running = self.found(part.name)
        if running is None or not running.alive:
            inside = (*namespaces.enter(self._anchor(part.place).pid), *part.command)
            self._begin(Part(part.name, part.place, inside))

    def end(self, name: str) -> None:
        """Kill it, and no longer expect it to run."""
        process = self.found(name)
        if process is not None:
            process.end()
            save(self._state.without(name), self._layout.state)

    def inside(self, place: str, *command: str) -> tuple[str, ...]:
        """The command, to be run in that place."""
        return (*namespaces.enter(self._anchor(place).pid), *command)

    def wait_until(self, what: str, holds: Callable[[], bool], seconds: float = 90) -> None:
        """As in kubectl.py, but raises EndedError at once when a part has ended."""

        def holds_and_runs() -> bool:
            if gone := self.ended():
                raise EndedError("\n".join(f"{name} ended. {self.tail(name)}" for name in gone))
            return holds()

        wait_until(what, holds_and_runs, seconds)

    def log(self, name: str) -> Path:
        return self._layout.logs / f"{name}.log"

    def tail(self, name: str) -> str:
        try:
            lines = self.log(name).read_text(errors="replace").splitlines()
        except OSError:
            return "It said nothing."
        return "\n".join(["It said last:", *lines[-_TAIL:]])

    def _begin(self, part: Part) -> Process:
        private_folder(self._layout.logs)
        group = f"{self._layout.cgroup(part.place)}/parts"
        process = parts.start(part, group, self.log(part.name), orphan=self._orphans)
        save(self._state.having(part.name, process), self._layout.state)
        return process

    def _anchor(self, place: str) -> Process:
        anchor = self.found(f"place@{place}")
        if anchor is None or not anchor.alive:
            raise EndedError(f"{place} is not up" + (": start that node first" if place in NODES else ""))
        return anchor

    @property
    def _state(self) -> State:
        state = load(self._layout.state)
        if state is None:
            raise EndedError("there is no cluster")
        return state
