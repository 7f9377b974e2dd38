"""`vedette detector list`."""

from __future__ import annotations

import typer

from appliance.cli import connection
from appliance.contracts.detector import Detector
from appliance.contracts.model_package import Variant


def command(ctx: typer.Context) -> None:
    """List the detectors and what they are subscribed to."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/detectors", Detector))
        rows = [
            (
                d.name,
                d.version,
                f"{d.manifest.running_point.threshold:.3f}",
                ", ".join(["fp32", *map(_variant, d.manifest.variants)]),
                ",".join(c.label for c in d.manifest.taxonomy[:4]),
                ",".join(d.subscribe) or "-",
                d.digest[:19],
            )
            for d in found
        ]
        session.output.table(
            found, ("name", "version", "threshold", "precisions", "classes", "subscribed", "digest"), rows
        )


def _variant(variant: Variant) -> str:
    """For example `int8 (2.13x, f1@0.4 -0.0012)`: what it gains, and by how much the metric differs."""
    return f"{variant.precision} ({variant.speed_up:.2f}x, {variant.metric} {-variant.loss:+.4f})"
