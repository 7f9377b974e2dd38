"""`python -m appliance.api.openapi`: print the OpenAPI document, from which the page's client is generated.

Needs no server and no settings. app.py uses `describe` on the app it builds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from appliance.api.errors import RESPONSES
from appliance.api.examples import EXAMPLES
from appliance.api.views.work import Problem


def operation_name(route: APIRoute) -> str:
    """The route's function name: what generated clients call it."""
    return route.name


def describe(routers: tuple[APIRouter, ...]) -> FastAPI:
    """An app with every route and no middleware or lifespan."""
    app = FastAPI(
        title="Vedette",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_name,
        responses=RESPONSES,
    )
    for router in routers:
        app.include_router(router)
    _with_problem(app)
    return app


def _with_problem(app: FastAPI) -> None:
    """Refine FastAPI's document: our problem body instead of its own, and answers whose every field is there."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = original()
        _use_problem(document)
        _require_answered_fields(document)
        for name, example in EXAMPLES.items():
            document["components"]["schemas"][name].setdefault("examples", [example])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _use_problem(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(own.pop("$defs", {}))
    schemas["Problem"] = own
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)


def _require_answered_fields(document: dict[str, Any]) -> None:
    """A field with a default is optional when asked, and always there when answered: say so for models that are
    only ever answered, so that generated clients need not doubt."""
    schemas = document["components"]["schemas"]
    asked: set[str] = set()
    pending = [
        name
        for operations in document["paths"].values()
        for operation in operations.values()
        for name in _references(operation.get("requestBody", {}))
    ]
    while pending:
        name = pending.pop()
        if name not in asked:
            asked.add(name)
            pending.extend(_references(schemas[name]))
    for name, schema in schemas.items():
        if name not in asked and "properties" in schema:
            schema["required"] = list(schema["properties"])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def main() -> None:
    from appliance.api.routes import ALL

    json.dump(describe(ALL).openapi(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
