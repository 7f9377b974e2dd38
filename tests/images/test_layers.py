"""A layer's bytes follow from names, kinds, modes and content alone."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from images.layers import UID, Attributes, write_layer
from images.store import HashingFile

_NAMES = st.text("abcxyz-_.é", min_size=1, max_size=8).filter(lambda name: name not in {".", ".."})
_FILES = st.dictionaries(st.tuples(_NAMES, _NAMES), st.binary(max_size=50), min_size=1, max_size=6)


def _written(files: list[tuple[tuple[str, str], bytes]], time: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        for (parent, name), content in files:
            path = Path(folder, "in-" + parent, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (time, time))
        target = io.BytesIO()
        write_layer(Path(folder), {}, 7, HashingFile(target))
        return target.getvalue()


@settings(deadline=None, max_examples=40)
@given(_FILES, st.randoms())
def test_neither_order_nor_time_matters(files: dict[tuple[str, str], bytes], random: object) -> None:
    other = list(files.items())
    random.shuffle(other)  # type: ignore[attr-defined]
    assert _written(list(files.items()), 1_000_000) == _written(other, 2_000_000)


@settings(deadline=None, max_examples=40)
@given(_FILES)
def test_content_matters(files: dict[tuple[str, str], bytes]) -> None:
    name = min(files)
    assert _written(list(files.items()), 1) != _written(list({**files, name: files[name] + b"!"}.items()), 1)


def test_belongs_to_root_but_for_what_is_given_away(tmp_path: Path) -> None:
    for folder in ("data", "tmp", "bin"):
        (tmp_path / folder).mkdir()
    program = tmp_path / "bin/program"
    program.touch(mode=0o700)
    (tmp_path / "bin/link").symlink_to("program")
    target = io.BytesIO()
    write_layer(tmp_path, {"data": Attributes(0o700, UID), "tmp": Attributes(0o1777)}, 7, HashingFile(target))
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as tar:
        found = {entry.name: (entry.mode, entry.uid, entry.gid, entry.mtime) for entry in tar}
    assert found == {
        "bin": (0o755, 0, 0, 7),
        "bin/link": (0o777, 0, 0, 7),
        "bin/program": (0o755, 0, 0, 7),
        "data": (0o700, UID, UID, 7),
        "tmp": (0o1777, 0, 0, 7),
    }
