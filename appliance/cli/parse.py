"""What people typed, as contracts. Used by verbs; turns a value that is none into one sentence."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from appliance.clients.http import ApiClient
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Item

M = TypeVar("M", bound=BaseModel)


def model(kind: type[M], what: str, **fields: Any) -> M:
    """Raises VedetteError(INVALID) naming the field that is wrong."""
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        value = str(first.get("input", ""))[:80]
        raise VedetteError(
            Code.INVALID, f"'{value}' is no {where} of a {what}: {first['msg']}.", "Correct it; --help shows the form."
        ) from error


def identifier(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise VedetteError(
            Code.INVALID, f"'{text}' is no identifier of {what}.", "The list verb shows identifiers."
        ) from error


def items(api: ApiClient, dataset: str | None, names: list[str]) -> list[Item]:
    """Items by identifier, or by name within a dataset. Raises VedetteError(NOT_FOUND) for the first that is not there."""
    by_name = {item.name: item for item in api.pages(f"/api/datasets/{dataset}/items", Item)} if dataset else {}
    return [by_name[name] if name in by_name else _item(api, dataset, name) for name in names]


def _item(api: ApiClient, dataset: str | None, name: str) -> Item:
    try:
        return api.get(f"/api/items/{UUID(name)}", Item)
    except ValueError as error:
        where = f"dataset {dataset}" if dataset else "no dataset was named"
        remedy = (
            f"See `vedette item list --dataset {dataset}`."
            if dataset
            else "Name it with --dataset, or give the item's identifier."
        )
        raise VedetteError(
            Code.NOT_FOUND,
            f"There is no item {name}: {where}." if not dataset else f"There is no item {name} in {where}.",
            remedy,
        ) from error
