"""`python -m tests.standalone.servers_only --data DIR [--port N] [--broken]`: `vedette up` of the three servers alone.

Reports as the real one does, on standard output. `--broken` adds a part that can never start.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from appliance.contracts.errors import VedetteError
from appliance.standalone import main, parts
from appliance.standalone.layout import DataFolder
from appliance.standalone.parts import Parts, Workers
from appliance.standalone.report import Progress
from appliance.standalone.restart import RestartPolicy
from appliance.standalone.service import Service
from appliance.standalone.state import State

BROKEN = Service(
    name="broken",
    command=(sys.executable, "-c", "print('my configuration is missing'); raise SystemExit(3)"),
    folder=Path("/"),
    ready=lambda _: False,
    after=("nats",),
)


def _planned(data: DataFolder, state: State, workers: Workers) -> Parts:
    whole = parts.plan(data, state, workers)
    return replace(whole, own=(BROKEN,) if "--broken" in sys.argv else ())


def _report(progress: Progress) -> None:
    os.write(1, progress.model_dump_json(exclude_none=True).encode() + b"\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--broken", action="store_true")
    given = parser.parse_args()
    policy = RestartPolicy(first_seconds=0.1, longest_seconds=0.5, attempts=2, ask_seconds=1, hung_seconds=6)
    try:
        main.run(main.Options(DataFolder.of(given.data), given.port, policy=policy, planned=_planned), _report)
    except VedetteError as error:
        _report(Progress(failed=error.reason))
        sys.exit(2)
