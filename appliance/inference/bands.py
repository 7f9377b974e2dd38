"""Which of a raster's bands are the ones a detector names. Called by scene.py."""

from __future__ import annotations

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.options import SceneSource

_GRAY = {"pan", "gray", "grey", "panchromatic"}
_VISIBLE = ("red", "green", "blue", "nir")
_SILENT = {"gray", "undefined", ""}


def choose(dataset: DatasetReader, source: SceneSource, wanted: list[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Band indexes from 1 in the detector's order, and notes. Raises VedetteError(BANDS) when one cannot be told.

    A name is a position ("1"), a colour interpretation, a band's description, or `pan` for a single band. Where a
    raster says nothing of its colours, red, green, blue and nir are taken by position, with a note.
    """
    colours = [_colour(dataset, place) for place in range(dataset.count)]
    if "palette" in colours:
        raise VedetteError(
            Code.BANDS, f"{source.name} has a colour palette.", "Expand it with `gdal_translate -expand rgb`."
        )
    names = _names(dataset, source, colours)
    found = [_index(name.lower(), names, colours) for name in wanted]
    if None not in found:
        return tuple(index for index in found if index is not None), ()
    data = [place for place, colour in enumerate(colours, 1) if colour != "alpha"]
    by_order = [name.lower() for name in wanted] == list(_VISIBLE[: len(wanted)])
    if by_order and len(data) >= max(3, len(wanted)) and {colours[i - 1] for i in data[:3]} <= _SILENT:
        return tuple(data[: len(wanted)]), (f"Bands do not say their colours: taken in the order {', '.join(wanted)}.",)
    missing = ", ".join(name for name, index in zip(wanted, found, strict=True) if index is None)
    raise VedetteError(
        Code.BANDS,
        f"{source.name} has no band {missing}: it has {', '.join(colours)}.",
        f"This detector needs the bands {', '.join(wanted)}.",
    )


def _colour(dataset: DatasetReader, place: int) -> str:
    try:
        return ColorInterp(dataset.colorinterp[place]).name.lower()
    except ValueError:
        return "undefined"


def _names(dataset: DatasetReader, source: SceneSource, colours: list[str]) -> list[set[str]]:
    recorded = source.info.bands if source.info is not None else []
    names = []
    for place, (colour, description) in enumerate(zip(colours, dataset.descriptions, strict=True)):
        known = {colour, (description or "").lower()}
        if place < len(recorded):
            known.add(recorded[place].name.lower())
        names.append(known - {"", "undefined"})
    return names


def _index(name: str, names: list[set[str]], colours: list[str]) -> int | None:
    for place, known in enumerate(names, 1):
        if name in known:
            return place
    if name.isdigit() and 1 <= int(name) <= len(names):
        return int(name)
    data = [place for place, colour in enumerate(colours, 1) if colour != "alpha"]
    return data[0] if name in _GRAY and len(data) == 1 else None
