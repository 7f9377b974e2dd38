"""Whatever is sent to any route, the answer is one that its description knows, and never an error of the server's.

Schemathesis makes the requests from the OpenAPI document, good and bad ones, from a fixed seed; where an identifier is
asked for, half of them get one that exists. The stream of events has no end and is tested elsewhere (test_events.py).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from appliance.api.examples import EXAMPLES
from appliance.contracts.base import Contract
from appliance.contracts.messages import ITEM_REPORT_SUBJECT
from tests.api import samples
from tests.api.appliance_under_test import ready
from tests.api.nodes import Nodes, nodes
from tests.conftest import MessagingServer, StoreServer

_REQUESTS = 12
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_ENDLESS = {"stream_events"}
_ENDS_THIS = {"sign_out", "set_password"}
"""Tested in test_auth.py: what follows would be refused."""


@pytest.fixture(scope="module")
def served(
    new_database: Any, nats_server: MessagingServer, object_store: StoreServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("served")
    with nodes(1, new_database(), nats_server, object_store, folder) as started:
        yield started


@pytest.fixture(scope="module")
def known(served: Nodes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Path parameters that exist."""
    api = served.clients[0]
    assert api.post("/api/datasets", json={"name": "survey"}).status_code == 201
    content = b"a scene"
    body = {"name": "scene.tif", "size_bytes": 7, "sha256": f"sha256:{hashlib.sha256(content).hexdigest()}"}
    announced = api.post("/api/datasets/survey/items", json=body).json()
    httpx.put(announced["upload"]["parts"][0]["url"], content=content).raise_for_status()
    item = announced["item"]["id"]
    assert api.post(f"/api/items/{item}/upload/complete").status_code == 200
    report = ready(UUID(item), samples.scene_info(crs=None), f"sha256:{'b' * 64}")
    served.publish(ITEM_REPORT_SUBJECT, report, f"{item}/1/ready")
    served.until(item, "ready")
    package = samples.package(tmp_path_factory.mktemp("package"))
    uploads = api.post("/api/detectors", json=samples.package_body(package)).json()["uploads"]
    for name, upload in uploads.items():
        httpx.put(upload["parts"][0]["url"], content=(package.folder / name).read_bytes()).raise_for_status()
    assert api.post("/api/detectors/crowns/1.0.0/complete").status_code == 200
    run = api.post(f"/api/items/{item}/runs", json={"detector": "crowns"}).json()["id"]
    snapshot = api.post("/api/datasets/survey/snapshots", json={}).json()
    names = {"dataset": "survey", "item_id": item, "run_id": run, "name": "crowns", "version": "1.0.0"}
    return {**names, "digest": snapshot["digest"], "ordinal": "0", "annotation_id": str(UUID(int=7))}


def test_no_request_breaks_a_route(served: Nodes, known: dict[str, str]) -> None:
    api = served.clients[0]
    document = api.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(api.base_url))
    tried: list[str] = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        name = operation.definition.raw["operationId"]
        if name in _ENDLESS | _ENDS_THIS:
            continue
        tried.append(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _try(operation, api, known)
    assert len(tried) == sum(len(methods) for methods in document["paths"].values()) - 3
    log = served.logs[0].read_text()
    assert "Traceback" not in log, log


def _try(operation: Any, api: httpx.Client, known: dict[str, str]) -> None:
    headers = {"Authorization": api.headers["Authorization"]}
    number = 0

    @seed(4)
    @settings(
        max_examples=_REQUESTS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE))
    def every(case: Case) -> None:
        nonlocal number
        number += 1
        if number % 2 and case.path_parameters and case.method != "DELETE":
            case.path_parameters.update({k: known[k] for k in case.path_parameters if k in known})
        answer = case.call(headers=headers, timeout=20)
        if answer.status_code != 501:  # what needs a cluster, answered in words: tests/cluster_crds asks it on one
            case.validate_response(answer, checks=_CHECKS, headers=headers)

    every()


def test_every_body_has_an_example_and_every_list_pages(served: Nodes) -> None:
    document = served.clients[0].get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                model = schemas[media["schema"]["$ref"].rsplit("/", 1)[1]]
                assert model.get("examples"), f"{method} {path}: {model['title']} has no example"
            answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
            model = schemas.get(answer.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1], {})
            if "items" in model.get("properties", {}) and "next" in model["properties"]:
                names = {one["name"] for one in operation.get("parameters", [])}
                assert path == "/api/workers" or {"cursor", "limit"} <= names, path


def test_examples_are_what_their_models_take() -> None:
    models = {model.__name__: model for model in _descendants(Contract)}
    for name, example in EXAMPLES.items():
        models[name].model_validate(example)


def _descendants(model: type[Contract]) -> Iterator[type[Contract]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)
