"""`vedette worker list`."""

from __future__ import annotations

import typer

from appliance.cli import connection
from appliance.contracts.worker import WorkerAnnouncement


def command(ctx: typer.Context) -> None:
    """List the workers that have announced themselves in the last seconds."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/workers", WorkerAnnouncement))
        rows = [
            (
                str(w.id)[:8],
                w.kind,
                w.host,
                str(w.process_id),
                str(w.cpus),
                ",".join(w.detectors) or "-",
                str(w.busy_with) if w.busy_with else "-",
            )
            for w in found
        ]
        session.output.table(found, ("id", "kind", "host", "pid", "cpus", "detectors", "busy with"), rows)
