"""What runs of a cluster, kept in its folder, so that another process can go on with it. Used by running.py."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from pydantic import Field, ValidationError

from appliance.contracts.base import Contract
from tests.cluster.files import write
from tests.cluster.parts import Process


class Known(Contract):
    pid: int
    began: int


class State(Contract):
    network: IPv4Network
    processes: dict[str, Known] = Field(default_factory=dict)

    def process(self, name: str) -> Process | None:
        known = self.processes.get(name)
        return None if known is None else Process(known.pid, known.began)

    def having(self, name: str, process: Process) -> State:
        known = Known(pid=process.pid, began=process.began)
        return State(network=self.network, processes={**self.processes, name: known})

    def without(self, name: str) -> State:
        return State(network=self.network, processes={k: v for k, v in self.processes.items() if k != name})


def load(path: Path) -> State | None:
    """None where there is no cluster, or none that ever got as far as saying what it is."""
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def save(state: State, path: Path) -> None:
    write(path, state.model_dump_json(indent=1))
