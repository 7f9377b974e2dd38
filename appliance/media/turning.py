"""Turn pictures upright (EXIF orientation) and south-up grids north-up, block by block and without loss. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window


@dataclass(frozen=True)
class Turn:
    """First rows and columns change places if `swap`, then left and right if `mirror`, then top and bottom if `flip`.

    `width` and `height` are of the turned picture.
    """

    width: int
    height: int
    swap: bool = False
    mirror: bool = False
    flip: bool = False

    @property
    def changes(self) -> bool:
        return self.swap or self.mirror or self.flip

    def block(self, block: NDArray[Any]) -> NDArray[Any]:
        """(bands, h, w) as stored -> (bands, h', w') upright."""
        if self.swap:
            block = block.swapaxes(1, 2)
        if self.mirror:
            block = block[:, :, ::-1]
        return block[:, ::-1] if self.flip else block

    def window(self, window: Window) -> Window:
        """Where a stored window comes to lie."""
        col, row, width, height = window.col_off, window.row_off, window.width, window.height
        if self.swap:
            col, row, width, height = row, col, height, width
        if self.mirror:
            col = self.width - col - width
        if self.flip:
            row = self.height - row - height
        return Window(col, row, width, height)


# (swap, mirror, flip) by EXIF orientation, tag 0x0112
_EXIF = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def upright(orientation: int, width: int, height: int) -> Turn:
    swap, mirror, flip = _EXIF.get(orientation, (False, False, False))
    return Turn(height if swap else width, width if swap else height, swap, mirror, flip)


def north_up(transform: Affine, width: int, height: int) -> tuple[Turn, Affine]:
    """Mirror a grid that runs south-up or east-to-west; rotated grids stay as they are, since their affine says it all."""
    rotated = transform.b != 0 or transform.d != 0
    turn = Turn(width, height, False, not rotated and transform.a < 0, not rotated and transform.e > 0)
    if turn.mirror:
        transform = transform @ Affine.translation(width, 0) @ Affine.scale(-1, 1)
    if turn.flip:
        transform = transform @ Affine.translation(0, height) @ Affine.scale(1, -1)
    return turn, transform
