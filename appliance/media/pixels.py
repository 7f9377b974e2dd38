"""From the pixels of a source to the pixels of a scene: palettes expanded, complex to amplitude, not-a-number to nodata.

`form_of` decides once per source; `convert` turns each block. Called by the decoding process; no I/O but the header.

What a scene looks like, whatever came in:
- integers of 8 or 16 bits with an alpha band keep it; a mask beside the image becomes one;
- every other type says validity by one finite nodata value; floats always have one and hold no NaN or infinity;
- a palette becomes RGB or RGBA, complex pixels their amplitude, 64-bit integers float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags

from appliance.contracts.errors import VedetteError

Array = NDArray[Any]
FLOAT_NODATA = float(np.finfo(np.float32).min)
_OUTPUT_TYPES = {
    "bool": "uint8",
    "complex_int16": "float32",
    "complex64": "float32",
    "complex128": "float64",
    "int64": "float64",
    "uint64": "float64",
    "float16": "float32",
}
_KEPT_TYPES = {"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"}


@dataclass(frozen=True)
class PixelForm:
    """How one source's blocks become a scene's blocks. `colours` and `names` are of the scene's bands."""

    dtype: np.dtype[Any]
    colours: tuple[ColorInterp, ...]
    names: tuple[str, ...]
    nodata: float | None = None
    source_nodata: float | None = None
    palette: Array | None = None
    reads_mask: bool = False
    drops_alpha: bool = False
    notes: tuple[str, ...] = ()

    @property
    def bands(self) -> int:
        return len(self.colours)

    @property
    def has_alpha(self) -> bool:
        return self.colours[-1] is ColorInterp.alpha

    def convert(self, block: Array, mask: NDArray[np.uint8] | None) -> Array:
        """`block` (source bands, h, w) as read, `mask` (h, w) zero where invalid, given iff `reads_mask`.

        Returns (bands, h, w) of `dtype`.
        """
        if self.palette is not None:
            return self._expand(block[0], mask)
        if self.drops_alpha:
            alpha = (block[-1] != 0).astype(np.uint8)
            block, mask = block[:-1], alpha if mask is None else mask & alpha
        out = self._typed(block)
        if mask is None:
            return out
        if self.has_alpha:
            top = np.iinfo(self.dtype).max
            return np.concatenate([out, np.where(mask, top, 0).astype(self.dtype)[None]])
        out = np.array(out)
        out[:, mask == 0] = self.nodata
        return out

    def valid(self, block: Array, band: int) -> NDArray[np.uint8] | None:
        """(h, w), nonzero where a converted block's band counts for statistics; None where all of it does."""
        if self.colours[band] is ColorInterp.alpha:
            return None
        if self.has_alpha:
            return np.asarray(block[-1] if block.dtype == np.uint8 else (block[-1] != 0).view(np.uint8), np.uint8)
        if self.nodata is None:
            return None
        valid: NDArray[np.uint8] = (block[band] != self.dtype.type(self.nodata)).view(np.uint8)
        return valid

    def _typed(self, block: Array) -> Array:
        missing = None
        if self.source_nodata is not None and (block.dtype != self.dtype or self.source_nodata != self.nodata):
            same = np.isnan(block) if np.isnan(self.source_nodata) else block == self.source_nodata
            missing = same
        if block.dtype.kind == "c":
            block = np.abs(block)
        with np.errstate(over="ignore", invalid="ignore"):
            out = block.astype(self.dtype, copy=False)
        if self.dtype.kind == "f":
            finite = np.isfinite(out)
            missing = ~finite if missing is None else missing | ~finite
        if missing is not None and missing.any():
            out = np.where(missing, self.dtype.type(self.nodata or 0), out)
        return out

    def _expand(self, indexes: Array, mask: NDArray[np.uint8] | None) -> Array:
        assert self.palette is not None  # noqa: S101
        out: Array = np.ascontiguousarray(self.palette[indexes].transpose(2, 0, 1))
        if mask is not None:
            out[-1][mask == 0] = 0
        return out


def form_of(source: Any, unsupported: VedetteError) -> PixelForm:
    """Raises `unsupported` for pixel types that are not read."""
    read = source.dtypes[0] if len(set(source.dtypes)) == 1 else str(np.result_type(*map(_numpy, source.dtypes)))
    target = _OUTPUT_TYPES.get(read, read)
    if target not in _KEPT_TYPES:
        raise unsupported
    notes = [f"Its pixels were {read}; they are kept as {target}."] if target != read and read != "bool" else []
    if read.startswith("complex"):
        notes = ["Its pixels are complex; their amplitude is kept."]
    colours = source.colorinterp
    masked = all(MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags for flags in source.mask_flag_enums)
    if source.count == 1 and colours[0] is ColorInterp.palette and target in ("uint8", "uint16"):
        return _palette_form(source, masked)
    return _plain_form(source, np.dtype(target), masked, notes)


def _plain_form(source: Any, dtype: np.dtype[Any], masked: bool, notes: list[str]) -> PixelForm:
    colours = list(source.colorinterp)
    names = [_name(source, i) for i in range(source.count)]
    source_nodata = _usable_nodata(source.nodata, source.dtypes[0], notes)
    alpha = colours[-1] is ColorInterp.alpha and source.count > 1
    colours = [c if i == len(colours) - 1 or c is not ColorInterp.alpha else ColorInterp.undefined
               for i, c in enumerate(colours)]  # fmt: skip
    if not alpha and colours[-1] is ColorInterp.alpha:
        colours[-1] = ColorInterp.gray
    keeps = dtype.name in ("uint8", "uint16")
    if alpha and keeps:
        nodata, masked = None, False
        source_nodata = None
    elif masked and keeps:
        colours, names = [*colours, ColorInterp.alpha], [*names, "alpha"]
        nodata = source_nodata = None
    elif alpha or masked or dtype.kind == "f" or source_nodata is not None:
        nodata = _output_nodata(source_nodata, dtype)
    else:
        nodata = None
    drops = alpha and not keeps
    if drops:
        colours, names = colours[:-1], names[:-1]
    return PixelForm(
        dtype, tuple(colours), tuple(names), nodata, source_nodata, None, masked, drops, tuple(notes)
    )  # fmt: skip


def _palette_form(source: Any, masked: bool) -> PixelForm:
    """RGB, or RGBA where the palette, a nodata index or a mask makes pixels transparent."""
    entries = source.colormap(1)
    size = 256 if source.dtypes[0] == "uint8" else 65536
    table = np.zeros((size, 4), np.uint8)
    table[:, 3] = 255
    for index, colour in entries.items():
        if 0 <= index < size:
            table[index] = np.clip(colour, 0, 255)
    if source.nodata is not None and 0 <= source.nodata < size and not np.isnan(source.nodata):
        table[int(source.nodata), 3] = 0
    used = [index for index in entries if 0 <= index < size]
    transparent = masked or bool((table[used, 3] < 255).any())
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue] + [ColorInterp.alpha] * transparent
    return PixelForm(
        dtype=np.dtype(np.uint8),
        colours=tuple(colours),
        names=tuple(colour.name for colour in colours),
        palette=table[:, : len(colours)],
        reads_mask=masked,
        notes=("Its palette was expanded to colours.",),
    )


def _usable_nodata(nodata: float | None, dtype: str, notes: list[str]) -> float | None:
    if nodata is None:
        return None
    kind = _numpy(dtype)
    if kind.kind in "iu" and not (np.isfinite(nodata) and np.iinfo(kind).min <= nodata <= np.iinfo(kind).max):
        notes.append(f"Its nodata value {nodata:g} does not fit {dtype} and is left out.")
        return None
    return float(nodata)


def _output_nodata(source_nodata: float | None, dtype: np.dtype[Any]) -> float:
    if dtype.kind == "f":
        fits = source_nodata is not None and np.isfinite(source_nodata) and abs(source_nodata) <= -FLOAT_NODATA
        return float(dtype.type(source_nodata)) if fits else FLOAT_NODATA
    if source_nodata is not None:
        return source_nodata
    limits = np.iinfo(dtype)
    return float(limits.min if dtype.kind == "i" else limits.max)


def _numpy(dtype: str) -> np.dtype[Any]:
    return np.dtype("complex64" if dtype == "complex_int16" else dtype)


def _name(source: Any, index: int) -> str:
    """The band's description, else its colour, else its number; printable and short."""
    given = "".join(c for c in (source.descriptions[index] or "") if c.isprintable()).strip()
    colour = source.colorinterp[index]
    unnamed = colour in (ColorInterp.undefined, ColorInterp.gray, ColorInterp.palette)
    return (given or (f"band {index + 1}" if unnamed else colour.name))[:100]
