"""`vedette detector list`."""

from __future__ import annotations

import typer

from appliance.cli import connection
from appliance.contracts.detector import Detector


def command(ctx: typer.Context) -> None:
    """List the detectors and what they are subscribed to."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/detectors", Detector))
        rows = [
            (
                d.name,
                d.version,
                f"{d.manifest.running_point.threshold:.3f}",
                ",".join(c.label for c in d.manifest.taxonomy[:4]),
                ",".join(d.subscribe) or "-",
                d.digest[:19],
            )
            for d in found
        ]
        session.output.table(found, ("name", "version", "threshold", "classes", "subscribed", "digest"), rows)
