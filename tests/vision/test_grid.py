from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from appliance.vision.grid import TileGrid, spans


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    tile = draw(st.integers(2, 80))
    return draw(st.integers(1, 600)), tile, draw(st.integers(0, (tile - 1) // 2)), draw(st.integers(0, 200))


@given(axes())
def test_cores_partition_the_axis_and_windows_keep_the_halo(axis: tuple[int, int, int, int]) -> None:
    length, tile, halo, phase = axis
    found = spans(length, tile, halo, phase)
    assert found[0].core_start == 0
    assert found[-1].core_end == length
    assert all(a.core_end == b.core_start for a, b in pairwise(found))
    for span in found:
        assert span.core_start < span.core_end
        assert span.size == tile
        assert 0 <= span.start <= max(0, span.core_start - halo)
        assert span.end >= min(length, span.core_end + halo)
        assert span.end <= max(length, tile)


def test_a_scene_no_larger_than_a_tile_is_one_tile() -> None:
    assert len(TileGrid.over(128, 100, 128, 32)) == 1


def test_edges_take_no_halo() -> None:
    # Cores of 384, and 64 more where the scene ends: 448 + 384 + 168.
    assert [(s.start, s.core_start, s.core_end) for s in spans(1000, 512, 64)] == [
        (0, 0, 448),
        (384, 448, 832),
        (488, 832, 1000),
    ]


@given(axes(), st.floats(-50, 700))
def test_every_position_has_the_owner_whose_core_holds_it(axis: tuple[int, int, int, int], x: float) -> None:
    length, tile, halo, phase = axis
    grid = TileGrid.over(length, length, tile, halo, (phase, 0))
    _, column = grid.owner(x, 0)
    span = grid.columns[column]
    assert span.core_start <= min(max(x, 0), length - 1e-9) < span.core_end
