"""A reader of Mapbox vector tiles (specification 2.1), as small as the tests need."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Feature:
    properties: dict[str, Any]
    kind: int
    points: list[tuple[int, int]]


@dataclass
class Layer:
    name: str
    extent: int
    features: list[Feature]


def read(data: bytes) -> dict[str, Layer]:
    layers = (_layer(value) for number, value in _fields(data) if number == 3)
    return {layer.name: layer for layer in layers}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        else:
            size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size


def _packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _value(data: bytes) -> Any:
    for number, value in _fields(data):
        if number == 1:
            return value.decode()
        if number in {2, 3}:
            return struct.unpack("<f" if number == 2 else "<d", value)[0]
        return _zigzag(value) if number == 6 else bool(value) if number == 7 else value
    return None


def _points(commands: list[int]) -> list[tuple[int, int]]:
    points, x, y, at = [], 0, 0, 0
    while at < len(commands):
        command, count = commands[at] & 7, commands[at] >> 3
        at += 1
        for _ in range(count if command in {1, 2} else 0):
            x, y = x + _zigzag(commands[at]), y + _zigzag(commands[at + 1])
            points.append((x, y))
            at += 2
    return points


def _layer(data: bytes) -> Layer:
    fields = list(_fields(data))
    keys = [value.decode() for number, value in fields if number == 3]
    values = [_value(value) for number, value in fields if number == 4]
    layer = Layer("", 4096, [])
    for number, value in fields:
        if number == 1:
            layer.name = value.decode()
        elif number == 5:
            layer.extent = value
        elif number == 2:
            parts = dict(_fields(value))
            tags = _packed(parts.get(2, b""))
            properties = {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}
            layer.features.append(Feature(properties, parts[3], _points(_packed(parts[4]))))
    return layer
