"""Runs the blocks of docs/kubernetes.md in order, each as a reader would paste it into one shell. Used by the tests here."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.programs import REPOSITORY

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """What a block exports, the next one has: the environment goes from shell to shell."""

    environment: dict[str, str]
    folder: Path
    sections: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: str, environment: Mapping[str, str], folder: Path) -> Reader:
        text = (REPOSITORY / "docs" / document).read_text("utf-8")
        titles = list(_SECTION.finditer(text))
        ends = [title.start() for title in titles[1:]] + [len(text)]
        sections = {t[1]: _BLOCK.findall(text[t.end() : end]) for t, end in zip(titles, ends, strict=True)}
        return cls({"PATH": os.environ["PATH"], "HOME": str(folder), **environment}, folder, sections)

    def do(self, section: str, seconds: float = 900) -> str:
        """Every block of it; what they printed. AssertionError shows the block that failed."""
        return "".join(self._block(block, seconds) for block in self.sections[section])

    def _block(self, block: str, seconds: float) -> str:
        kept = self.folder / "environment"
        script = f"set -euo pipefail\n{block}\nenv -0 > {kept}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{block}\nsaid: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        pairs = (pair.partition("=") for pair in kept.read_text().split("\0") if pair)
        self.environment |= {name: value for name, _, value in pairs}
        return done.stdout
