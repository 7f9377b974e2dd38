"""What a container's control group leaves, in both versions: files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.clients.process_memory import group_free_bytes

STAT = "anon 500\ninactive_file 40\ntotal_inactive_file 300\n"


@pytest.mark.parametrize(
    ("folder", "files", "free"),
    [
        (".", {"memory.max": "1000\n", "memory.current": "700\n"}, 340),
        (".", {"memory.max": "max\n", "memory.current": "700\n"}, None),
        (".", {"memory.max": "600\n", "memory.current": "700\n"}, 0),
        ("memory", {"memory.limit_in_bytes": "1000\n", "memory.usage_in_bytes": "700\n"}, 600),
    ],
)
def test_what_is_left(tmp_path: Path, folder: str, files: dict[str, str], free: int | None) -> None:
    """Version 1 counts the groups below only in what begins with total_."""
    (tmp_path / folder).mkdir(exist_ok=True)
    for name, text in {**files, "memory.stat": STAT}.items():
        (tmp_path / folder / name).write_text(text)
    assert group_free_bytes(tmp_path) == free


def test_without_a_group_nothing_is_known(tmp_path: Path) -> None:
    assert group_free_bytes(tmp_path) is None
