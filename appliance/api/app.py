"""The application: routes, the page, and the gates before them. Built by main.py and by tests; starts nothing."""

from __future__ import annotations

from starlette.types import ASGIApp

from appliance.api import errors
from appliance.api.metrics import ApiMetrics, Timed
from appliance.api.openapi import describe
from appliance.api.routes import ALL
from appliance.api.routes.page import page_router
from appliance.api.security import BodyLimit, Guard, SecurityHeaders
from appliance.api.services import Services
from appliance.api.tracing import Traced


def create_app(services: Services, store_origin: str) -> ASGIApp:
    """`store_origin`: the address browsers reach the object store at, which the page may connect to."""
    app = describe(ALL)
    settings = services.settings
    app.include_router(page_router(settings.page_folder, settings.marking, settings.marking_colour))
    app.state.services, app.state.metrics = services, ApiMetrics()
    errors.install(app)
    guarded = Guard(app, services.accounts.authenticate)
    limited = BodyLimit(guarded, services.settings.body_limit_bytes)
    return Traced(Timed(SecurityHeaders(limited, store_origin), app.state.metrics))
