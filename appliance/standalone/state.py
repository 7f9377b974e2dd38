"""What stays the same from one start to the next: the ports, and which object store holds the data."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import binaries, ports
from appliance.standalone.credentials import write_private
from appliance.standalone.layout import DataFolder
from appliance.standalone.services import seaweedfs

DEFAULT_API_PORT = 8080


class StoreKind(StrEnum):
    MINIO = "minio"
    SEAWEEDFS = "seaweedfs"


class State(BaseModel):
    model_config = ConfigDict(frozen=True)
    schema_version: Literal[1] = 1
    store: StoreKind
    api_port: int
    postgres_port: int
    nats_port: int
    store_ports: tuple[int, ...]
    metrics_ports: tuple[int, ...] = ()
    """One for each worker, in the order of parts.plan; those of workers that no longer run are kept."""


def load(data: DataFolder) -> State | None:
    """Raises VedetteError(INVALID) when the file is there and is not ours."""
    try:
        return State.model_validate_json(data.state.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        raise VedetteError(
            Code.INVALID,
            f"{data.state} cannot be read.",
            "Restore it from a backup, or name another folder with --data.",
        ) from error


def choose(data: DataFolder, api_port: int | None, workers: int = 0) -> State:
    """The state of the last start, with other ports where those are taken now; saved before it is returned.

    `workers`: how many need a port for their metrics.

    Raises VedetteError(CONFLICT) when `api_port` was asked for and is taken.
    """
    before = load(data)
    if api_port is not None and not ports.is_free(api_port):
        raise VedetteError(
            Code.CONFLICT, f"Port {api_port} is taken by another program.", "Name a free one with --port, or none."
        )
    kind = before.store if before else (StoreKind.MINIO if binaries.minio() else StoreKind.SEAWEEDFS)
    count = 1 if kind is StoreKind.MINIO else seaweedfs.PORTS
    wanted = [
        api_port or (before.api_port if before else DEFAULT_API_PORT),
        *((before.postgres_port, before.nats_port, *before.store_ports) if before else (0,) * (2 + count)),
    ]
    kept = before.metrics_ports if before else ()
    wanted += [*kept, *(0,) * max(0, workers - len(kept))]
    api, postgres, nats, *others = _free_or_other(wanted)
    store, metrics = tuple(others[:count]), tuple(others[count:])
    chosen = State(
        store=kind, api_port=api, postgres_port=postgres, nats_port=nats, store_ports=store, metrics_ports=metrics
    )
    if chosen != before:
        write_private(data.state, chosen.model_dump_json(indent=2) + "\n")
    return chosen


def _free_or_other(wanted: list[int]) -> list[int]:
    """Each wanted port where it is free, else one that is. All different."""
    others = iter(port for port in ports.free_ports(2 * len(wanted)) if port not in wanted)
    return [port if port and ports.is_free(port) else next(others) for port in wanted]
