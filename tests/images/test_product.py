"""What of the checkout gets into an image, and what each image is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.contracts.errors import VedetteError
from images import catalogue, product
from images.layers import Recipe

_ROOT = Path(__file__).parents[2]


def _checkout(folder: Path) -> Path:
    for name in (
        "appliance/__init__.py", "appliance/api/data.json", "appliance/ui/src/main.ts", "appliance/ui/dist/index.html",
        "appliance/ui/dist/.key", "appliance/__pycache__/x.pyc", "operator/vedette_operator/__init__.py", "tests/test.py",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def test_code_and_the_built_page_ship_and_nothing_else(tmp_path: Path) -> None:
    assert sorted(name for name, _ in product.sources(_checkout(tmp_path))) == [
        "appliance/__init__.py",
        "appliance/api/data.json",
        "appliance/ui/dist/index.html",
        "vedette_operator/__init__.py",
    ]


def test_a_page_that_was_not_built_is_missed(tmp_path: Path) -> None:
    (_checkout(tmp_path) / "appliance/ui/dist/index.html").unlink()
    with pytest.raises(VedetteError, match="make page"):
        list(product.sources(tmp_path))


def test_code_changes_the_last_layer_only(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "requirements", "tools"):
        (tmp_path / name).symlink_to(_ROOT / name)
    _checkout(tmp_path)
    before = _keys(tmp_path)
    (tmp_path / "appliance/__init__.py").write_text("changed = True")
    after = _keys(tmp_path)
    changed = {name: [a != b for a, b in zip(before[name], after[name], strict=True)] for name in before}
    assert changed["api"] == changed["media"] == changed["operator"] == [False, False, True]
    assert changed["training"] == [False, False, False, True]
    assert not any(changed["postgres"] + changed["nats"] + changed["objectstore"])


def test_images_with_python_share_debian_and_code() -> None:
    images = {image.name: image for image in catalogue.images(_ROOT, _never)}
    for name in ("media", "inference", "operator", "training"):
        assert images[name].layers[0].key == images["api"].layers[0].key
        assert images[name].layers[-1].key == images["api"].layers[-1].key
    assert images["training"].layers[1].key == images["media"].layers[1].key


def _keys(folder: Path) -> dict[str, list[str]]:
    return {image.name: [layer.key for layer in image.layers] for image in catalogue.images(folder, _never)}


def _never(_: Recipe) -> Path:
    raise AssertionError("nothing is built to know what an image is")
