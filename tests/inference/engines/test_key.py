"""A key names all that an engine depends on, and nothing that happens."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from appliance.inference.engines.spec import NO_DEVICE, Device, EngineKey, Flag, Library, Profile, Span

_CARD = {"name": "Card", "compute_capability": "8.6", "cores": 1024, "driver_major": 580}
_SIDE = Span(least=64, best=64, most=64)
_BASE: dict[str, Any] = {
    "model": f"sha256:{'1' * 64}",
    "precision": "fp32",
    "profile": Profile(batch=Span(least=1, best=8, most=16), side=_SIDE),
    "library": Library.TENSORRT,
    "library_version": "11.4.0.106",
    "device": Device.model_validate(_CARD),
    "preparation": 1,
}
_CHANGES: list[dict[str, Any]] = [
    {"model": f"sha256:{'2' * 64}"},
    {"precision": "int8"},
    {"calibration": f"sha256:{'3' * 64}"},
    {"profile": Profile(batch=Span(least=1, best=8, most=17), side=_SIDE)},
    {"profile": Profile(batch=Span(least=1, best=8, most=16), side=Span(least=32, best=64, most=64))},
    {"flags": (Flag.STRIPPED,)},
    {"workspace_bytes": 1 << 31},
    {"library": Library.RTX},
    {"library_version": "11.4.1.1"},
    {"preparation": 2},
    {"device": NO_DEVICE},
    *(
        {"device": Device.model_validate({**_CARD, field: value})}
        for field, value in (
            ("name", "Other card"),
            ("compute_capability", "8.9"),
            ("cores", 2048),
            ("driver_major", 590),
        )
    ),
]


def test_the_same_key_has_the_same_name_in_every_process() -> None:
    assert EngineKey(**_BASE).name == EngineKey(**_BASE).name
    assert EngineKey.model_validate_json(EngineKey(**_BASE).model_dump_json()) == EngineKey(**_BASE)
    assert len(EngineKey(**_BASE).name) == 64


def test_whatever_differs_gives_another_name() -> None:
    names = {EngineKey(**{**_BASE, **change}).name for change in [{}, *_CHANGES]}
    assert len(names) == 1 + len(_CHANGES)
    changed = {field for change in _CHANGES for field in change}
    assert changed == set(EngineKey.model_fields)


def test_sizes_out_of_order_are_no_profile() -> None:
    with pytest.raises(ValidationError, match="least <= best <= most"):
        Span(least=1, best=9, most=8)
