"""The process that a build is done in: `python -m appliance.inference.engines.child`, started by builder.py and nobody else.

The order is one line of JSON on standard input; the end of standard input means: give up, nobody waits any more. Lines of
JSON on standard output tell progress and, last, what came of it. What the library itself prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.inference.engines.compile import compile_plan
from appliance.inference.engines.spec import Order

_GRACE_SECONDS = 1.0
GAVE_UP = 75


def main() -> None:
    # The library writes to the first descriptor as it likes; ours is kept apart.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    order = Order.model_validate_json(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_give_up_when_left, args=(stop,), daemon=True).start()
    _tell(answers, _outcome(order, stop, answers))


def _outcome(order: Order, stop: threading.Event, answers: TextIO) -> dict[str, Any]:
    def report(phase: str, fraction: float) -> bool:
        _tell(answers, {"phase": phase, "fraction": fraction})
        return not stop.is_set()

    try:
        plan = compile_plan(order, report)
        _write(Path(order.plan), plan)
    except VedetteError as error:
        return {"failed": error.reason.model_dump(mode="json")}
    except MemoryError:
        reason = Reason(
            code=Code.LIMIT, message="This machine has too little memory to build the engine.", remedy="Free some."
        )
        return {"failed": reason.model_dump(mode="json")}
    except OSError as error:
        reason = Reason(code=Code.DISK, message=f"The plan cannot be written: {error.strerror}.", remedy="Free space.")
        return {"failed": reason.model_dump(mode="json")}
    return {"done": len(plan)}


def _write(path: Path, plan: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(plan)
        stream.flush()
        os.fsync(descriptor)


def _give_up_when_left(stop: threading.Event) -> None:
    """Ask the build to end; end the process where it does not within a second."""
    while os.read(0, 4096):
        pass
    stop.set()
    threading.Event().wait(_GRACE_SECONDS)
    os._exit(GAVE_UP)


def _tell(answers: TextIO, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main()
