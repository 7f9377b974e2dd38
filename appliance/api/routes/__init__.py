"""Routes: parse, call one service, translate. One file per noun; `ALL` is what app.py serves.

No `from __future__ import annotations` here: the name would hide the module of that name.
"""

from appliance.api.routes import (
    annotations,
    datasets,
    detections,
    detectors,
    events,
    health,
    items,
    resources,
    runs,
    sessions,
    snapshots,
    status,
    tiles,
    tokens,
    workers,
)

ALL = (
    health.router,
    sessions.router,
    tokens.router,
    datasets.router,
    items.router,
    tiles.router,
    runs.router,
    detections.router,
    detectors.router,
    annotations.router,
    snapshots.router,
    resources.router,
    workers.router,
    status.router,
    events.router,
)
