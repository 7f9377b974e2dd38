"""`vedette worker list`."""

from __future__ import annotations

import typer

from appliance.api.views.workers import ListedWorker
from appliance.cli import connection


def command(ctx: typer.Context) -> None:
    """List the workers that have announced themselves in the last seconds."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/workers", ListedWorker))
        rows = [
            (
                w.name or "-",
                w.kind,
                w.host,
                str(w.process_id),
                str(w.cpus),
                ",".join(w.detectors) or "-",
                str(w.busy_with) if w.busy_with else "-",
                "yes" if w.drained else "-",
            )
            for w in found
        ]
        session.output.table(found, ("name", "kind", "host", "pid", "cpus", "detectors", "busy with", "drained"), rows)
