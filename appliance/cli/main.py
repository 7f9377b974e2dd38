"""The `vedette` command: the table of its verbs, and the one place where an error becomes a sentence and an exit code.

A verb's file is imported when the verb is asked for (lazy.py), so that `vedette --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from appliance.cli.lazy import LazyGroup, Noun, Table, Verb

if TYPE_CHECKING:
    from appliance.contracts.errors import Reason

_HELP = """Vedette: scenes in, detections on a map out.

Exit codes: 0 done, 1 unexpected, 2 bad input or refused, 3 not reachable, 4 not signed in or not allowed,
130 interrupted.
"""

TABLE: Table = {
    "up": Verb("appliance.cli.up", "Start Vedette on this machine.", connects=False),
    "status": Verb("appliance.cli.status", "Say what of it runs.", connects=False),
    "logs": Verb("appliance.cli.logs", "Show what its parts say.", connects=False),
    "down": Verb("appliance.cli.down", "Stop it.", connects=False),
    "dataset": Noun(
        "Datasets, their labels and snapshots.",
        {
            "create": Verb("appliance.cli.dataset.create", "Create a dataset."),
            "list": Verb("appliance.cli.dataset.list", "List the datasets."),
            "change": Verb("appliance.cli.dataset.change", "Change a dataset's priority or title."),
            "import": Verb("appliance.cli.dataset.import_", "Import labels as annotations."),
            "snapshot": Verb("appliance.cli.dataset.snapshot", "Make an immutable version of a dataset."),
            "pull": Verb("appliance.cli.dataset.pull", "Fetch a snapshot into a folder, verified."),
            "delete": Verb("appliance.cli.dataset.delete", "Delete a dataset with all it holds."),
        },
    ),
    "item": Noun(
        "Items: scenes and images.",
        {
            "push": Verb("appliance.cli.item.push", "Bring files into a dataset; resumable."),
            "list": Verb("appliance.cli.item.list", "List the items of a dataset."),
            "retry": Verb("appliance.cli.item.retry", "Normalise failed items once more."),
            "delete": Verb("appliance.cli.item.delete", "Delete items."),
        },
    ),
    "detector": Noun(
        "Detectors: served model packages.",
        {
            "apply": Verb("appliance.cli.detector.apply", "Serve a model package."),
            "list": Verb("appliance.cli.detector.list", "List the detectors."),
            "optimise": Verb(
                "appliance.cli.detector.optimise", "Make a faster variant of a model package.", connects=False
            ),
        },
    ),
    "run": Noun(
        "Runs: one detector on one item.",
        {
            "start": Verb("appliance.cli.run.start", "Run a detector on items."),
            "list": Verb("appliance.cli.run.list", "List runs."),
            "show": Verb("appliance.cli.run.show", "Show a run and its figures."),
            "cancel": Verb("appliance.cli.run.cancel", "Stop runs."),
            "retry": Verb("appliance.cli.run.retry", "Queue failed or cancelled runs again."),
            "export": Verb("appliance.cli.run.export", "Write a run's detections to a file."),
        },
    ),
    "predict": Verb("appliance.cli.predict", "Run a model package on files, without any server.", connects=False),
    "train": Verb("appliance.cli.train", "Train a model package on snapshots.", connects=False),
    "evaluate": Verb("appliance.cli.evaluate", "Measure a model package on a snapshot.", connects=False),
    "engine": Noun(
        "Engines: models compiled for this machine's card.",
        {
            "build": Verb("appliance.cli.engine.build", "Build the engine of a model package.", connects=False),
            "list": Verb("appliance.cli.engine.list", "List the engines here.", connects=False),
            "remove": Verb("appliance.cli.engine.remove", "Remove engines.", connects=False),
        },
    ),
    "token": Noun(
        "Tokens for programs.",
        {
            "create": Verb("appliance.cli.token.create", "Make a token."),
            "list": Verb("appliance.cli.token.list", "List your tokens."),
            "revoke": Verb("appliance.cli.token.revoke", "End a token."),
        },
    ),
    "link": Noun(
        "One-time links that sign people in.",
        {"create": Verb("appliance.cli.link.create", "Make a one-time link.")},
    ),
    "worker": Noun(
        "Workers.",
        {
            "list": Verb("appliance.cli.worker.list", "List the workers."),
            "drain": Verb("appliance.cli.worker.drain", "Give workers nothing new."),
            "resume": Verb("appliance.cli.worker.resume", "Give drained workers runs again."),
        },
    ),
}


def main() -> NoReturn:
    """The entry point of the `vedette` script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code. Never raises, never prints a traceback unless VEDETTE_DEBUG is set."""
    try:
        LazyGroup("vedette", _HELP, TABLE).main(arguments, prog_name="vedette")
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    except BrokenPipeError:
        # Whoever read our output has enough of it, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _explain(error)
    return 0


def _explain(error: Exception) -> int:
    from appliance.cli import exit_codes
    from appliance.contracts.errors import Code, Reason, VedetteError

    if os.environ.get("VEDETTE_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, VedetteError):
        reason = error.reason
    else:
        what = f"Something went wrong that Vedette does not know: {type(error).__name__}: {error}"[:1000]
        reason = Reason(code=Code.INTERNAL, message=what, remedy="VEDETTE_DEBUG=1 shows where; please tell us.")
    _say(reason)
    code = exit_codes.of(reason)
    if code == exit_codes.INTERRUPTED:
        # A thread may still wait for a store that stalls; the interpreter would wait for it without end.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _say(reason: Reason) -> None:
    print(f"vedette: {reason}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
