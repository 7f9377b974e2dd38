"""PostgreSQL with PostGIS, from Debian: the image with a shell, for the script that makes a cluster. Called by catalogue.py."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from images import debian
from images.layers import UID, Attributes, Owned, Recipe
from images.oci import Run
from images.store import key_of

_MAJOR = 15
_ENTRYPOINT = Path(__file__).with_name("entrypoint.sh")
_PROGRAM = "usr/local/bin/vedette-postgres"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_EXTENSIONS = f"usr/share/postgresql/{_MAJOR}/extension"
_OWNED: Owned = {
    "var/lib/postgresql/data": Attributes(0o700, UID),
    "run/postgresql": Attributes(0o755, UID),
}
RUN = Run(
    (f"/{_PROGRAM}",),
    {"PATH": f"/usr/lib/postgresql/{_MAJOR}/bin:/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    stop_signal="SIGINT",
)

_PACKAGES = debian.Packages(
    names=(f"postgresql-{_MAJOR}", f"postgresql-{_MAJOR}-postgis-3", "libc-bin", "dash", "coreutils", "tzdata"),
    without=(
        "adduser", "debconf", "cdebconf", "debianutils", "dpkg", "fonts-dejavu-core", "init-system-helpers", "libaudit-common", "libfile-find-rule-perl",
        "libgdbm-compat4", "libgdbm6", "libjson-perl", "libllvm14", "libnumber-compare-perl", "libpam-modules", "libpam-modules-bin", "libperl5.36",
        "libsemanage-common", "libsemanage2", "libsepol2", "libtext-glob-perl", "libz3-4", "locales", "lsb-base", "openssl", "passwd", "perl", "perl-base",
        "perl-modules-5.36", "postgresql-client-common", "postgresql-common", "sensible-utils", "ssl-cert", "sysvinit-utils", "tar", "ucf", "usrmerge",
    ),
    # Just-in-time compilation goes with LLVM: the server does without where its library is not there.
    drop=(
        "usr/share/doc/*/[!c]*", "usr/share/doc/*/changelog*", "usr/share/doc/*/contrib", "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/locale",
        "usr/share/postgresql/*/man", "usr/share/postgresql/*/contrib", "usr/bin/[!l]*", "usr/bin/l[!o]*", "usr/lib/postgresql/*/lib/llvmjit*", "usr/lib/postgresql/*/lib/bitcode", f"{_LIBRARIES}/gconv", "usr/share/bash-completion",
        "var/cache", "var/lib/apt", "etc/init.d", "etc/cron*", "lib/systemd", "usr/lib/systemd", "usr/sbin/*", "sbin/*",
    ),
    # Debian's maintainer scripts would choose these.
    links=(
        (f"{_LIBRARIES}/libblas.so.3", "blas/libblas.so.3"),
        (f"{_LIBRARIES}/liblapack.so.3", "lapack/liblapack.so.3"),
        (f"{_EXTENSIONS}/postgis.control", "postgis-3.control"),
    ),
    owned=_OWNED,
)  # fmt: skip


def layers() -> Sequence[Recipe]:
    def entrypoint(stage: Path) -> None:
        program = stage / _PROGRAM
        program.parent.mkdir(parents=True)
        shutil.copyfile(_ENTRYPOINT, program)
        program.chmod(0o755)

    key = key_of("entrypoint", _ENTRYPOINT, Path(__file__))
    return (debian.layer("debian-postgres", _PACKAGES), Recipe("entrypoint", key, entrypoint))
