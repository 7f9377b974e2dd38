"""Layers of one statically linked program each, on nothing. Called by catalogue.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from images import locks, python, skeleton
from images.commands import run
from images.layers import Owned, Recipe
from images.store import key_of

_HERE = Path(__file__).parent
_OWN = [_HERE / file for file in ("programs.py", "skeleton.py", "layers.py")]


def wheel(program: str, package: str, lock: str, owned: Owned) -> Recipe:
    """A program that a wheel brings, pinned in the lock."""
    requirement = locks.only(lock, {package})

    def fetch(stage: Path) -> None:
        packages = stage / "wheel"
        python.install(requirement, packages)
        _place(packages / "bin" / program, stage, program)
        shutil.rmtree(packages)

    return _recipe(program, key_of(program, requirement, owned, *_OWN), owned, fetch)


def minio(repository: Path, owned: Owned) -> Recipe:
    """Built by scripts/build_minio.sh, once, for whoever needs it."""

    def build(stage: Path) -> None:
        script = repository / "scripts/build_minio.sh"
        path = run([str(script)], "MinIO could not be built", f"Run {script.name} by itself to see why.")
        _place(Path(path.strip()), stage, "minio")

    pins = [repository / "tools/minio" / name for name in ("go.mod", "go.sum")]
    return _recipe("minio", key_of("minio", owned, *pins, *_OWN), owned, build)


def pause() -> Recipe:
    """The program that holds a pod's namespaces open."""
    source = _HERE / "pause" / "pause.c"

    def compile_it(stage: Path) -> None:
        target = stage / "pause"
        command = ["gcc", "-static", "-Os", "-s", "-Wl,--build-id=none", "-o", str(target), str(source)]
        run(command, "The pause program could not be compiled", "Run scripts/setup.sh cluster, which installs gcc.")
        _place(target, stage, "pause")
        target.unlink()

    return _recipe("pause", key_of("pause", source, *_OWN), {}, compile_it)


def _recipe(name: str, key: str, owned: Owned, fetch: Callable[[Path], None]) -> Recipe:
    def fill(stage: Path) -> None:
        fetch(stage)
        skeleton.fill(stage)
        for path in owned:
            (stage / path).mkdir(parents=True, exist_ok=True)

    return Recipe(name, key, fill, {**skeleton.OWNED, **owned})


def _place(program: Path, stage: Path, name: str) -> None:
    """Into /bin. VedetteError when it needs a loader or libraries: there are none beside it."""
    segments = run(["readelf", "--program-headers", str(program)], f"{name} is no program", "Install binutils.")
    if "INTERP" in segments:
        raise VedetteError(Code.UNSUPPORTED, f"The program {name} is not statically linked.", "Take a build that is.")
    (stage / "bin").mkdir(exist_ok=True)
    shutil.copyfile(program, stage / "bin" / name)
    (stage / "bin" / name).chmod(0o755)
