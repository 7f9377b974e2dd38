"""A model's JSON schema as Kubernetes wants it: structural, without references. Called by crd.py; knows no resource."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
_DROPPED = {"title", "additionalProperties", "default"}


def structural(model: type[BaseModel]) -> Schema:
    """The schema of `model` by its names in YAML. Raises ValueError on what a structural schema cannot say."""
    written = model.model_json_schema(by_alias=True)
    return _node(written, written.get("$defs", {}))


def _node(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _alone(_resolved(schema, definitions), definitions)
    node = {key: value for key, value in schema.items() if key not in _DROPPED and not key.startswith("$")}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if {"exclusiveMinimum", "exclusiveMaximum", "oneOf", "allOf"} & node.keys():
        raise ValueError(f"a structural schema cannot say this: {node}")
    if "properties" in node:
        node["properties"] = {name: _node(child, definitions) for name, child in node["properties"].items()}
    if "items" in node:
        node["items"] = _node(node["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        node["additionalProperties"] = _node(schema["additionalProperties"], definitions)
        # Kubernetes cannot bound the names of a map; the number of them it can.
        node.pop("propertyNames", None)
    if schema.get("default") is not None:
        node["default"] = _filled(node) if "properties" in node else schema["default"]
    return node


def _filled(node: Schema) -> Schema:
    """The default of an object, from those of its fields: the API server holds its rules to the default as it is written."""
    return {name: child["default"] for name, child in node["properties"].items() if "default" in child}


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Without `$ref`; what stands beside the reference, such as a field's own description, goes before."""
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]] | beside
    return schema


def _alone(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """An optional field without its null: in YAML it is absent."""
    choices = schema.get("anyOf")
    if choices is None or schema.get("x-kubernetes-int-or-string"):
        return schema
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if len(kept) != 1:
        raise ValueError(f"a structural schema cannot say this: {schema}")
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    return _resolved(kept[0], definitions) | beside
