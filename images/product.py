"""The last layer of the images with Python: our own code, and the page. Called by catalogue.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from images import compiling
from images.layers import Recipe
from images.python import SITE
from images.store import key_of

_HERE = Path(__file__).parent
_PACKAGES = (("appliance", "appliance"), ("operator/vedette_operator", "vedette_operator"))
_PAGE = "appliance/ui"


def layer(repository: Path, version: str, interpreter: Callable[[], Path]) -> Recipe:
    files = dict(sorted(sources(repository)))
    own = [_HERE / file for file in ("product.py", "compiling.py", "compile.py", "layers.py")]
    key = key_of("code", version, list(files), *own, *files.values())
    return Recipe("code", key, lambda stage: _fill(stage, files, version, interpreter))


def sources(repository: Path) -> Iterator[tuple[str, Path]]:
    """(path among the packages, file). VedetteError when the page was not built."""
    if not (repository / _PAGE / "dist/index.html").exists():
        raise VedetteError(Code.NOT_FOUND, "The page is not built.", "Run `make page`.")
    for folder, package in _PACKAGES:
        for path in (repository / folder).rglob("*"):
            if path.is_file() and _ships(path.relative_to(repository)):
                yield f"{package}/{path.relative_to(repository / folder).as_posix()}", path


def _ships(path: Path) -> bool:
    """Of the page only what was built; nothing that an interpreter or an editor left."""
    if path.is_relative_to(_PAGE):
        return path.is_relative_to(f"{_PAGE}/dist") and not path.name.startswith(".")
    return not any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def _fill(stage: Path, files: dict[str, Path], version: str, interpreter: Callable[[], Path]) -> None:
    site = stage / SITE
    for name, path in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, site / name)
    metadata = site / f"vedette-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: vedette\nVersion: {version}\n")
    compiling.below(site, stage, interpreter=interpreter())
