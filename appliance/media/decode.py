"""The decoding process: one hostile file in, one scene out, then it ends. Forked by nursery.py.

Reads one JSON request on standard input; writes one JSON object per line on standard output: `opened`, `progress`,
then `done` or `failed`. Touches nothing but the file it was given and the private folder it may write to.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.media.confine import check_drivers, confine
from appliance.media.limits import Limits

if TYPE_CHECKING:
    from appliance.contracts.item import SceneInfo

Report = Callable[[str, Any], None]


@dataclass(frozen=True)
class Request:
    path: Path
    name: str
    folder: Path
    limits: Limits

    @classmethod
    def parse(cls, text: str) -> Request:
        fields = json.loads(text)
        return cls(Path(fields["path"]), fields["name"], Path(fields["folder"]), Limits(**fields["limits"]))


def main() -> None:
    """Standard input, output and error are the parent's pipes."""
    request = Request.parse(sys.stdin.readline())
    protocol = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    os.chdir(request.folder)
    os.environ.update(TMPDIR=str(request.folder), HOME=str(request.folder))
    confine(request.limits)

    def report(kind: str, value: Any) -> None:
        protocol.write(json.dumps({kind: value}, allow_nan=False) + "\n")

    from appliance.contracts.errors import VedetteError
    from appliance.media import failures

    try:
        check_drivers()
        from appliance.media.scene import make_scene

        info: SceneInfo = make_scene(request.path, request.name, request.folder, request.limits, report)
        report("done", info.model_dump(mode="json"))
    except VedetteError as error:
        report("failed", error.reason.model_dump(mode="json"))
    except Exception as error:  # the process is the boundary: nothing may leave it but one sentence
        traceback.print_exc()
        reason = failures.unforeseen(request.name, error, request.limits).reason
        report("failed", reason.model_dump(mode="json"))
