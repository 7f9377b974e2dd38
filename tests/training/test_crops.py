"""Crops: nothing outside the windows is ever seen, every box lands where its pixels land, targets decode to their boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.contracts.errors import VedetteError
from appliance.contracts.snapshot import PixelWindow
from appliance.training import augment, losses, scenes, targets
from appliance.training.architecture import STRIDE
from appliance.training.configuration import Augmentation, TrainingConfiguration
from appliance.training.crops import Crops, cut, locate
from appliance.training.scenes import Scene
from appliance.training.tiles import find
from tests.training.conftest import SIZE, MakeSnapshot, Part, discs

pytestmark = [
    pytest.mark.training,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
TOP = PixelWindow(x=16, y=0, width=200, height=100)


@pytest.fixture(scope="module")
def scene(make_snapshot: MakeSnapshot) -> Scene:
    (only,) = scenes.load(make_snapshot(Part(windows=(TOP,))), ["disc"], None)
    return only


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_a_crop_never_leaves_its_window(scene: Scene, seed: int, zoom: float) -> None:
    place = locate(scene, TOP, 128, zoom, np.random.default_rng(seed))
    assert TOP.x <= place.x
    assert place.x + place.width <= TOP.x + TOP.width
    assert TOP.y <= place.y
    assert place.y + place.height <= TOP.y + TOP.height


def test_pixels_read_for_training_lie_in_the_window(
    scene: Scene, configuration: TrainingConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = np.zeros((SIZE, SIZE), np.bool_)
    plain = scenes.read

    def watched(of: Scene, window: tuple[int, int, int, int]) -> np.ndarray:
        x, y, width, height = window
        seen[y : y + height, x : x + width] = True
        return plain(of, window)

    monkeypatch.setattr("appliance.training.crops.read", watched)
    crops = Crops([scene], 1, configuration)
    for step in range(30):
        crops.batch(step)
    allowed = np.zeros_like(seen)
    allowed[TOP.y : TOP.y + TOP.height, TOP.x : TOP.x + TOP.width] = True
    assert not (seen & ~allowed).any()
    assert (seen & allowed).mean() > 0.9 * allowed.mean()


def test_the_same_step_gives_the_same_batch(scene: Scene, configuration: TrainingConfiguration) -> None:
    first, second = Crops([scene], 1, configuration).batch(7), Crops([scene], 1, configuration).batch(7)
    assert torch.equal(first.tiles, second.tiles)
    assert torch.equal(first.heat, second.heat)
    assert not torch.equal(first.tiles, Crops([scene], 1, configuration).batch(8).tiles)


def test_boxes_follow_their_pixels_through_cut_and_turn(scene: Scene) -> None:
    window = PixelWindow(x=0, y=0, width=SIZE, height=SIZE)
    for seed in range(12):
        draw = np.random.default_rng(seed)
        place = locate(scene, window, 192, float(draw.uniform(0.8, 1.3)), draw)
        image, boxes, _ = cut(place, window, 192)
        image, boxes = augment.turn(image, boxes, seed, bool(seed % 2))
        for x0, y0, x1, y1 in boxes[(boxes >= 0).all(1) & (boxes <= 192).all(1)]:
            inside = image[round(y0) : round(y1), round(x0) : round(x1)].astype(int)
            bright = (inside[..., 1] > 160).mean()
            assert 0.6 < bright < 0.9  # a disc fills pi/4 of its box; one half or a quarter box beside would not


def test_no_annotation_at_all_is_refused(scene: Scene, configuration: TrainingConfiguration) -> None:
    bare = Scene(scene.item, scene.path, 1.0, scene.windows, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    with pytest.raises(VedetteError, match="no annotations"):
        Crops([bare], 1, configuration)


@settings(deadline=None, max_examples=60)
@given(st.floats(10, 110), st.floats(10, 110), st.floats(6, 60), st.floats(6, 60))
def test_targets_say_the_box_at_its_centre(x: float, y: float, width: float, height: float) -> None:
    box = np.array([[x - width / 2, y - height / 2, x + width / 2, y + height / 2]], np.float32)
    goal = targets.encode(box, np.zeros(1, np.int64), 1, 128)
    row, column = np.unravel_index(int(goal.heat[0].argmax()), goal.heat[0].shape)
    assert goal.heat[0, row, column] == 1.0
    assert goal.weight[row, column] == 1.0
    centre = (np.array([column, row, column, row]) + 0.5) * STRIDE
    found = centre + goal.sides[:, row, column] * [-1, -1, 1, 1]
    np.testing.assert_allclose(found, box[0], atol=1e-3)


def test_losses_are_least_where_all_is_right() -> None:
    goal = targets.encode(np.array([[20, 20, 60, 50]], np.float32), np.zeros(1, np.int64), 1, 128)
    heat, sides = torch.from_numpy(goal.heat)[None], torch.from_numpy(goal.sides)[None]
    weight = torch.from_numpy(goal.weight)[None]
    right = torch.where(heat >= 1, 12.0, -12.0)
    assert losses.focal(right, heat) < 1e-3 < losses.focal(-right, heat)
    assert losses.overlap(sides.clamp(min=0.5), sides, weight) == pytest.approx(0, abs=1e-5)
    assert 0.5 < losses.overlap(sides.clamp(min=0.5) * 2, sides, weight) < 2


def test_recolouring_keeps_shape_and_can_be_switched_off() -> None:
    image, _ = discs(0)
    off = Augmentation(scale=1, brightness=0, contrast=0, saturation=0, channel_gain=0, noise=0)
    draw = np.random.default_rng(0)
    assert np.abs(augment.recolour(image, off, draw).astype(int) - image).max() <= 1
    changed = augment.recolour(image, Augmentation(), draw)
    assert (changed.shape, changed.dtype) == (image.shape, image.dtype)
    assert (changed != image).any()


def test_each_object_of_a_window_is_found_once_whatever_the_tiles(make_snapshot: MakeSnapshot) -> None:
    """With a model that finds bright blobs exactly, tiling loses none and doubles none."""
    import cv2

    (whole,) = scenes.load(make_snapshot(Part()), ["disc"], None)

    def model(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        boxes, scores = np.zeros((len(tiles), 40, 4), np.float32), np.zeros((len(tiles), 40), np.float32)
        for index, tile in enumerate(tiles):
            _, _, stats, _ = cv2.connectedComponentsWithStats((tile[..., 1] > 160).astype(np.uint8))
            for place, (x, y, width, height, _) in enumerate(stats[1:40]):
                boxes[index, place] = (x, y, x + width, y + height)
                scores[index, place] = 0.9
        return boxes, scores, np.zeros(scores.shape, np.int64)

    for tile_size, halo in ((128, 40), (160, 48), (256, 40)):
        found = find(model, whole, whole.windows[0], tile_size, halo, 0.1)
        assert len(found.boxes) == len(whole.boxes)
        order, wanted = np.lexsort(found.boxes.T), np.lexsort(whole.boxes.T)
        np.testing.assert_allclose(found.boxes[order], whole.boxes[wanted], atol=0.01)
