"""A Detector or TrainingJob from YAML, refused as the API server refuses it. Called by the command line in standalone
mode and by the operator, which may meet objects older than a rule. Pure: reads text, no files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.base import GROUP, Resource
from appliance.contracts.resources.objects import RESOURCES, AnyResource, DetectorResource
from appliance.contracts.resources.sentences import path, sentence

LIMIT_BYTES = 1 << 20
_NEED_A_CLUSTER = ("resources", "node_selector", "tolerations", "image_pull_secrets", "geofence", "scaling")


def parse(text: str, source: str) -> AnyResource:
    """One resource from one YAML document. Raises VedetteError(INVALID) that names `source`, field and remedy."""
    return resource(load(text, source), source)


def load(text: str, source: str) -> Any:
    """What one YAML document holds, whatever it is. Raises VedetteError(INVALID)."""
    if len(text.encode()) > LIMIT_BYTES:
        raise VedetteError(Code.INVALID, f"{source} is larger than 1 MiB.", "Name a Detector or a TrainingJob.")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2026-99-99 is no date; a thousand brackets
        raise VedetteError(Code.INVALID, f"{source} is not one YAML document.", "Correct the file.") from error


def resource(document: Any, source: str) -> AnyResource:
    """One resource from what YAML or the API server gave. Raises VedetteError(INVALID)."""
    kinds = {model.KIND.kind: model for model in RESOURCES}
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise VedetteError(
            Code.INVALID,
            f"{source} is neither a Detector nor a TrainingJob.",
            f"Begin it with apiVersion: {GROUP}/v1alpha1.",
        )
    try:
        return kinds[kind].model_validate_json(_json(document, source), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise VedetteError(Code.INVALID, f"{source}: {explain(error)}.", "Correct that field.") from error


def explain(error: ValidationError) -> str:
    """The first thing that is wrong: field and sentence. A field nobody knows goes first, as it is mostly a misspelling."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    return ": ".join(filter(None, (path(first), sentence(first))))


def replaced(old: AnyResource, new: AnyResource) -> None:
    """Raises VedetteError(CONFLICT) where `new` changes what must stay as it was made."""
    for where, said in _broken(old, new, ""):
        raise VedetteError(Code.CONFLICT, f"{where}: {said}.", "Give it another name, or leave that field as it is.")


def needs_a_cluster(detector: DetectorResource) -> list[str]:
    """The fields given that standalone mode cannot honour, by their names in YAML."""
    spec = detector.spec
    given = [name for name in _NEED_A_CLUSTER if name in spec.model_fields_set]
    found = [f"spec.{type(spec).model_fields[name].alias}" for name in given]
    if spec.recipe is not None and spec.recipe.config_map_ref is not None:
        found.append("spec.recipe.configMapRef")
    if spec.rollout.gates:
        found.append("spec.rollout.gates")
    return found


def _broken(old: Resource, new: Resource, where: str) -> Iterator[tuple[str, str]]:
    for transition in new.transitions:
        if not transition.holds(new, old):
            yield f"{where}.{transition.field}".strip("."), transition.message
    for name, field in type(new).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Resource) and isinstance(after, Resource):
            yield from _broken(before, after, f"{where}.{field.alias or name}")


def _json(document: Any, source: str) -> str:
    """Bounded: a few aliases of YAML can stand for more than any memory holds."""
    written: list[str] = []
    size = 0
    try:
        for part in json.JSONEncoder(default=str).iterencode(document):
            size += len(part)
            if size > 4 * LIMIT_BYTES:
                raise VedetteError(Code.INVALID, f"{source} is too large.", "Write it without aliases.")
            written.append(part)
    except (ValueError, TypeError, RecursionError) as error:
        raise VedetteError(Code.INVALID, f"{source} refers to itself.", "Write it without aliases.") from error
    return "".join(written)
