"""What is wrong with a resource, in the words of the Kubernetes API server. Called by validate.py; pure.

A person reads the same sentence with and without Kubernetes; tests/cluster_crds compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

_TYPES = {
    "int": "integer",
    "string": "string",
    "bool": "boolean",
    "float": "number",
    "list": "array",
    "dict": "object",
    "model": "object",
}

_PLAIN = {"missing": "Required value", "extra_forbidden": "unknown field"}
_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "rule": lambda c: str(c["said"]),
    "greater_than_equal": lambda c: f"should be greater than or equal to {_number(c['ge'])}",
    "less_than_equal": lambda c: f"should be less than or equal to {_number(c['le'])}",
    "multiple_of": lambda c: f"should be a multiple of {_number(c['multiple_of'])}",
    "literal_error": lambda c: f"supported values: {_values(c['expected'])}",
    "string_too_long": lambda c: f"may not be more than {c['max_length']} bytes",
    "string_too_short": lambda c: f"should be at least {c['min_length']} chars long",
    "string_pattern_mismatch": lambda c: f"should match '{c['pattern']}'",
    "too_long": lambda c: f"must have at most {c['max_length']} items",
}


def path(error: ErrorDetails) -> str:
    """The field to blame: spec.rollout.gates[0].minimum."""
    written = ""
    for part in error["loc"]:
        written += f"[{part}]" if isinstance(part, int) else f".{part}"
    below = error.get("ctx", {}).get("field")
    return (written + (f".{below}" if below else "")).lstrip(".")


def sentence(error: ErrorDetails) -> str:
    """What is wrong with it, and where the words say so already what to do."""
    kind = error["type"]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _SENTENCES:
        return _SENTENCES[kind](error.get("ctx", {}))
    for prefix, name in _TYPES.items():
        if kind in (f"{prefix}_type", f"{prefix}_from_float", f"{prefix}_parsing"):
            return f"must be of type {name}"
    return error["msg"]


def _number(value: float) -> str:
    return f"{value:g}"


def _values(expected: str) -> str:
    """Pydantic's "'a', 'b' or 'c'" as the API server has it: "a", "b", "c"."""
    return ", ".join(json.dumps(each.strip().strip("'")) for each in expected.replace(" or ", ", ").split(", "))
