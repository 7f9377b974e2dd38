"""How a scene is cut for reading: panels of columns, strips of rows, and units that one thread decodes. Pure.

Called by plan.py and reader.py. Everything is aligned to the raster's own blocks, so that within a panel each block is decoded
once. A scene is one panel unless a row of tiles would not fit in the memory given; a block on the border between two
panels is then decoded for each.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError

_STRIPE_ROWS = 256
_UNIT_PIXELS = 1 << 20
_LARGEST_STRIP_BYTES = 1 << 30
_SEQUENTIAL = {"PNG", "JPEG", "GIF", "WEBP", "JPEGXL", "BMP"}


@dataclass(frozen=True)
class Unit:
    """A rectangle of level pixels that is decoded in one call."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """How the level is stored: its size, blocks, and the bytes of a decoded pixel."""

    width: int
    height: int
    block: tuple[int, int]
    pixel_bytes: int
    driver: str

    @property
    def tiled(self) -> bool:
        return self.block[1] < self.width

    @property
    def sequential(self) -> bool:
        """Whether rows can only be had in order, from the top."""
        return self.driver in _SEQUENTIAL

    @property
    def strip_rows(self) -> int:
        """Rows of a strip: one row of blocks, or several thin stripes."""
        rows = self.block[0]
        return min(self.height, rows if rows >= _STRIPE_ROWS else rows * -(-_STRIPE_ROWS // rows))

    def strip_bytes(self, x0: int, x1: int) -> int:
        low, high = self.aligned(x0, x1)
        return (high - low) * self.strip_rows * self.pixel_bytes

    def aligned(self, x0: int, x1: int) -> tuple[int, int]:
        """The columns of whole blocks around [x0, x1)."""
        wide = self.block[1]
        return max(0, x0 // wide * wide), min(self.width, -(-x1 // wide) * wide)

    def strip_of(self, row: int) -> int:
        """The strip that holds the row."""
        return max(0, min(row, self.height - 1)) // self.strip_rows

    def units(self, strip: int, x0: int, x1: int) -> list[Unit]:
        """A strip's columns [x0, x1) in units of about a megapixel: whole blocks side by side, or stripes below each other."""
        top = strip * self.strip_rows
        bottom = min(self.height, top + self.strip_rows)
        if self.tiled:
            wide = self.block[1]
            step = max(1, _UNIT_PIXELS // ((bottom - top) * wide)) * wide
            return [Unit(x, top, min(step, x1 - x), bottom - top) for x in range(x0, x1, step)]
        tall = self.block[0]
        step = max(1, _UNIT_PIXELS // ((x1 - x0) * tall)) * tall
        return [Unit(x0, y, x1 - x0, min(step, bottom - y)) for y in range(top, bottom, step)]


def check(layout: Layout, name: str) -> None:
    """Raises VedetteError(TOO_LARGE) when one row of blocks of the narrowest panel would not fit in memory."""
    width = min(layout.width, layout.block[1] * (2 if layout.tiled else 1))
    if width * layout.strip_rows * layout.pixel_bytes > _LARGEST_STRIP_BYTES:
        raise VedetteError(
            Code.TOO_LARGE,
            f"{name} is stored in blocks of {layout.block[1]} x {layout.block[0]} pixels, too large to read piece by piece.",
            "Store it in tiles, for instance with `gdal_translate -of COG`.",
        )
