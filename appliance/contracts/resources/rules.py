"""Rules that the API server checks in CEL and standalone mode checks in Python, with one sentence for both.

Used by the models of this folder; schema.py writes the CEL into the CRDs, validate.py says the sentences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """`cel` and `holds` say the same of one value. `field`: the name of the field to blame, where it is one below."""

    cel: str
    message: str
    holds: Callable[[Any], bool]
    field: str = ""

    def check(self, value: Any) -> None:
        """Raises PydanticCustomError with the sentence; its context names the field."""
        if not self.holds(value):
            raise PydanticCustomError("rule", "{said}", {"said": self.message, "field": self.field})

    @property
    def manifest(self) -> dict[str, str]:
        return _manifest(self.cel, self.message, self.field)


@dataclass(frozen=True)
class Transition:
    """What may not change: `holds(new, old)`. The API server checks it at every update, standalone at every apply."""

    cel: str
    message: str
    holds: Callable[[Any, Any], bool]
    field: str = ""

    @property
    def manifest(self) -> dict[str, str]:
        return _manifest(self.cel, self.message, self.field)


@dataclass(frozen=True)
class Says:
    """Puts a rule on a scalar: `Annotated[str, Says(rule)]`."""

    rule: Rule

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def checked(value: Any) -> Any:
            self.rule.check(value)
            return value

        return core_schema.no_info_after_validator_function(checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler(schema)
        return {**written, VALIDATIONS: [*written.get(VALIDATIONS, []), self.rule.manifest]}


def matches(pattern: str, message: str) -> Says:
    """The whole string is `pattern` (RE2, without anchors); a sentence in place of a regular expression."""
    compiled = re.compile(pattern)
    cel = f"self.matches({json.dumps(f'^(?:{pattern})$')})"
    return Says(Rule(cel, message, lambda value: compiled.fullmatch(value) is not None))


def one_of(first: str, second: str) -> Rule:
    """Exactly one of two fields, by their names in YAML."""
    return Rule(
        f"has(self.{first}) != has(self.{second})",
        f"give exactly one of {first} and {second}",
        lambda value: (_given(value, first) is None) != (_given(value, second) is None),
    )


def immutable(field: str, remedy: str, *, optional: bool = False) -> Transition:
    """`field` of an object stays as it was when the object was made."""
    same = f"self.{field} == oldSelf.{field}"
    if optional:
        same = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || {same})"
    return Transition(
        same, f"{field} cannot be changed: {remedy}", lambda new, old: _given(new, field) == _given(old, field), field
    )


def _given(value: Any, alias: str) -> Any:
    """A model's field by its name in YAML."""
    for name, field in type(value).model_fields.items():
        if (field.alias or name) == alias:
            return getattr(value, name)
    raise KeyError(alias)


def _manifest(cel: str, message: str, field: str) -> dict[str, str]:
    return {"rule": cel, "message": message} | ({"fieldPath": f".{field}"} if field else {})
