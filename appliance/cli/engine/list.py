"""`vedette engine list`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.output import Output, size
from appliance.inference.engines import request
from appliance.inference.engines.spec import Device

_COLUMNS = ("name", "library", "precision", "batch", "tiles", "device", "size", "built in")


def command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """The engines of this machine, those used last first."""
    found = request.cache().all()
    rows = []
    for record in found:
        key = record.key
        device = key.device.name if isinstance(key.device, Device) else key.device
        rows.append(
            (
                key.name[:12],
                f"{key.library} {key.library_version}",
                key.precision,
                str(key.profile.batch),
                str(key.profile.side),
                device,
                size(record.plan_bytes),
                f"{record.seconds:.1f} s",
            )
        )
    Output(as_json).table(found, _COLUMNS, rows)
