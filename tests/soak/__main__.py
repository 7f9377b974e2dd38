"""`python -m tests.soak [--scenes N] [--seed S] [--short]`: push real scenes while everything is broken in turn.

Exit 0 when every scene has one run, finished, with the detections of an undisturbed run; 1 otherwise. Starts an appliance
of its own and leaves nothing running. `--short` does one of each quick disturbance; `make test` runs that.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from appliance.contracts.errors import VedetteError
from scripts.fetch_data import fetch
from tests.servers import temporary_folder
from tests.soak import scenes, verdict
from tests.soak.effects import disturb
from tests.soak.running import Appliance, running
from tests.soak.schedule import Disturbance, disturbances, shares

_PACKAGE = Path(__file__).parents[2] / "demo" / "tree-crowns"
_CALM, _STORM = "calm", "storm"


@dataclass(frozen=True)
class Options:
    scenes: int
    seed: int
    rounds: int
    short: bool
    minutes: float
    logs: Path | None


@dataclass
class Record:
    """What was done, and how long it took each time until all was well."""

    recoveries: list[tuple[Disturbance, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        counted = Counter(str(what) for what, _ in self.recoveries)
        lines = [f"{'disturbance':<40} {'count':>5} {'longest recovery':>17}"]
        for what, count in sorted(counted.items()):
            longest = max(seconds for each, seconds in self.recoveries if str(each) == what)
            lines.append(f"{what:<40} {count:>5} {longest:>15.1f} s")
        return "\n".join(lines)


def soak(options: Options) -> Record:
    """Raises TimeoutError when it takes longer than it may."""
    record, until = Record(), time.monotonic() + options.minutes * 60
    planned = disturbances(options.seed, options.rounds, options.short)
    with temporary_folder() as folder:
        files = scenes.cut(fetch(), folder / "scenes", options.scenes, options.seed)
        with running(options.logs) as appliance:
            how = "a disk of its own, filled" if appliance.small_disk else "RLIMIT_FSIZE of the workers"
            _say(f"seed {options.seed}, {len(files)} scenes, {len(planned)} disturbances; the disk is {how}")
            for dataset in (_CALM, _STORM):
                appliance.vedette("dataset", "create", dataset)
            appliance.vedette("detector", "apply", str(_PACKAGE), "--subscribe", _CALM, "--subscribe", _STORM)
            begun = time.monotonic()
            appliance.push(files, _CALM, until)
            _wait(appliance, _CALM, len(files), until)
            _say(f"undisturbed: {len(files)} runs in {time.monotonic() - begun:.0f} s")
            _storm(appliance, files, planned, record, until)
            _wait(appliance, _STORM, len(files), until)
            calm, storm = appliance.outcome(_CALM), appliance.outcome(_STORM)
            record.problems += verdict.problems([path.name for path in files], calm, storm)
            found = sum(len(each) for each in storm.detections.values())
            again = sum(run.attempt > 1 for run in storm.runs)
            _say(f"{len(storm.runs)} runs, {found} detections; {again} runs needed a further attempt")
    return record


def _storm(appliance: Appliance, files: list[Path], planned: list[Disturbance], record: Record, until: float) -> None:
    """A share of the scenes is pushed while each disturbance happens, without waiting for the one or the other."""
    with ThreadPoolExecutor(2) as pool:
        pushing = []
        for what, share in zip(planned, shares([str(path) for path in files], len(planned)), strict=True):
            if time.monotonic() > until:
                raise TimeoutError("the disturbances took longer than the soak may")
            pushing.append(pool.submit(appliance.push, [Path(name) for name in share], _STORM, until))
            seconds = disturb(appliance, what)
            record.recoveries.append((what, seconds))
            _say(f"{what}: well after {seconds:.1f} s")
        for each in pushing:
            each.result()


def _wait(appliance: Appliance, dataset: str, count: int, until: float) -> None:
    """Until that many runs have ended."""
    ended = -1
    while ended < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{ended} of {count} runs of {dataset} ended in time")
        try:
            ended = sum(run.state.terminal for run in appliance.states(dataset))
        except VedetteError as error:
            if not error.reason.retryable:
                raise
        time.sleep(0.5)


def _say(words: str) -> None:
    print(words, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--scenes", type=int, default=0, help="200, or 12 with --short")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is done")
    parser.add_argument("--short", action="store_true", help="the quick disturbances alone")
    parser.add_argument("--minutes", type=float, default=60.0, help="give up after")
    parser.add_argument("--logs", type=Path, help="copy what every part said to this folder at the end")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    count = given.scenes or (12 if given.short else 200)
    try:
        record = soak(Options(count, given.seed, given.rounds, given.short, given.minutes, given.logs))
    except (TimeoutError, RuntimeError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("soak: interrupted", file=sys.stderr)
        return 130
    print(record.table())
    for problem in record.problems:
        print(f"WRONG {problem}")
    print("soak: failed" if record.problems else f"soak: {count} runs, each exactly once, as undisturbed")
    return 1 if record.problems else 0


if __name__ == "__main__":
    sys.exit(main())
