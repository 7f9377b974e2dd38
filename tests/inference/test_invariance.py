"""The result does not depend on how the work is cut, and an object at a seam is found once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import scenes
from tests.inference.models import Blobs, manifest, write_package


def found_in(scene: Path, out: Path, options: PredictOptions, **changes: object) -> list[tuple[float, ...]]:
    predict_scene(SceneSource(str(scene), scene.name), manifest(**changes), Blobs(), out, options)
    return scenes.rows(out)


ways = st.builds(
    PredictOptions,
    batch_size=st.integers(1, 9),
    decode_threads=st.integers(1, 4),
    band_tile_rows=st.integers(1, 6),
    phase=st.tuples(st.integers(0, 63), st.integers(0, 63)),
    buffer_bytes=st.sampled_from([1, 100_000, 250_000, 192 << 20]),
)


@given(ways, st.integers(0, 50), st.integers(1, 500), st.integers(1, 500))
def test_every_way_of_cutting_finds_exactly_what_is_there(
    options: PredictOptions, seed: int, width: int, height: int
) -> None:
    there = scenes.boxes(seed, width, height)
    with tempfile.TemporaryDirectory() as folder:
        scene = scenes.write(Path(folder, "scene.tif"), scenes.drawn(there, width, height))
        assert found_in(scene, Path(folder, "out.parquet"), options) == scenes.expected(there)


@given(st.integers(1, 450), st.integers(1, 450), st.integers(1, 60), st.integers(1, 60), ways)
def test_one_object_anywhere_is_found_once(x: int, y: int, wide: int, high: int, options: PredictOptions) -> None:
    # 64 is twice the halo, the largest object that its owner always sees whole.
    image = scenes.drawn([(x, y, wide, high)], 520, 520)
    with tempfile.TemporaryDirectory() as folder:
        scene = scenes.write(Path(folder, "scene.tif"), image)
        assert found_in(scene, Path(folder, "out.parquet"), options) == scenes.expected([(x, y, wide, high)])


class Unsure(Blobs):
    """Places every object up to three pixels off, differently for every tile and place in it, as real models do."""

    def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        outputs = super().infer(tiles)
        noise = np.random.default_rng(int(tiles.sum() % (1 << 31))).uniform(-3, 3, (len(tiles), self.most, 2))
        outputs["boxes"] += np.tile(noise, 2).astype(np.float32)
        return outputs


@settings(max_examples=25)
@given(st.integers(0, 63), st.integers(0, 63), st.integers(1, 4))
def test_a_model_that_is_a_little_unsure_still_finds_each_object_once(across: int, down: int, rows: int) -> None:
    there = [(x + 7, y + 7, 18, 18) for x in range(0, 400, 40) for y in range(0, 400, 40)]
    with tempfile.TemporaryDirectory() as folder:
        scene = scenes.write(Path(folder, "scene.tif"), scenes.drawn(there, 420, 420))
        options = PredictOptions(phase=(across, down), band_tile_rows=rows, buffer_bytes=1)
        out = Path(folder, "out.parquet")
        point = {"threshold": 0.3, "overlap": 0.3}
        predict_scene(SceneSource(str(scene), "s"), manifest(running_point=point), Unsure(), out, options)
        found = scenes.rows(out)
    assert len(found) == len(there)
    for (x, y, *_), (left, top, wide, high) in zip(
        sorted(found, key=lambda f: (round((f[0] - 16) / 40), f[1])), there, strict=True
    ):
        assert abs(x - left - wide / 2) <= 3.01
        assert abs(y - top - high / 2) <= 3.01


def test_crowds_at_seams_give_the_same_for_every_band_height(tmp_path: Path) -> None:
    """Touching, overlapping proposals make long chains of conflicts; bands must not change how they are settled."""

    class Smeared(Blobs):
        def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
            outputs = super().infer(tiles)
            boxes = outputs["boxes"]
            outputs["boxes"] = np.concatenate([boxes, boxes + np.float32(5), boxes - np.float32(5)], axis=1)
            outputs["scores"] = np.tile(outputs["scores"], (1, 3)) * np.repeat([0.9, 0.8, 0.7], self.most)
            outputs["classes"] = np.tile(outputs["classes"], (1, 3))
            return outputs

    there = [(x, y, 14, 14) for x in range(3, 480, 17) for y in range(3, 480, 17)]
    scene = scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 500, 500))
    results = []
    for rows, buffer in [(1, 1), (2, 192 << 20), (100, 192 << 20), (3, 100_000)]:
        out = tmp_path / "out.parquet"
        options = PredictOptions(band_tile_rows=rows, buffer_bytes=buffer)
        point = {"threshold": 0.3, "overlap": 0.2}
        predict_scene(SceneSource(str(scene), "s"), manifest(running_point=point), Smeared(), out, options)
        results.append(scenes.rows(out))
    assert all(result == results[0] for result in results)
    assert len(results[0]) > len(there) / 2


@settings(max_examples=6)
@given(ways, st.integers(0, 20))
def test_a_real_graph_agrees_within_float_tolerance(options: PredictOptions, seed: int) -> None:
    rng = np.random.default_rng(seed)
    there = [
        (int(x), int(y), 11, 11) for x, y in rng.integers(0, 20, (1, 2)) + np.mgrid[0:380:40, 0:380:40].reshape(2, -1).T
    ]
    with tempfile.TemporaryDirectory() as folder:
        package = write_package(Path(folder, "package"))
        scene = scenes.write(Path(folder, "scene.tif"), scenes.drawn(there, 400, 400))
        source = SceneSource(str(scene), "s")
        results = []
        for chosen in (PredictOptions(), options):
            backend = OnnxRuntimeBackend(package.model_path, package.manifest, threads=1)
            out = Path(folder, "out.parquet")
            predict_scene(source, package.manifest, backend, out, chosen)
            results.append(np.array(scenes.rows(out)))
    assert len(results[0]) == len(there)
    assert results[1] == pytest.approx(results[0], abs=1e-4)


def test_resampled_scenes_do_not_depend_on_cutting_either(tmp_path: Path) -> None:
    there = scenes.boxes(3, 900, 700, 120)
    scene = scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 900, 700))
    for nominal in (0.07, 0.13, 0.25):
        ground = {"gsd_metres": {"minimum": 0.01, "nominal": nominal, "maximum": 1.0}}
        results = [
            found_in(scene, tmp_path / "out.parquet", options, input=ground)
            for options in (
                PredictOptions(),
                PredictOptions(band_tile_rows=1, batch_size=3, phase=(17, 40), decode_threads=1),
                PredictOptions(buffer_bytes=1, phase=(5, 0)),
            )
        ]
        assert len(results[0]) > 60
        assert np.array(results[1]) == pytest.approx(np.array(results[0]), abs=1e-6)
        assert np.array(results[2]) == pytest.approx(np.array(results[0]), abs=1e-6)
