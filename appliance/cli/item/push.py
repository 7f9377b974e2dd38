"""`vedette item push FILE... --dataset NAME`: bring files into a dataset, straight into the store, resumable.

Run again after any interruption, it sends only what is missing; content that is already there is recognised.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from appliance.api.views.uploads import ItemUpload, NewItem, Upload
from appliance.cli import connection, exit_codes, progress, transfer, waiting
from appliance.cli.item import sources
from appliance.cli.output import Output
from appliance.clients.http import ApiClient
from appliance.clients.parts import PartSender, Stopped
from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.contracts.item import Item, ItemState
from appliance.contracts.run import Run, RunState

_FILES_AT_ONCE = 3


@dataclass(frozen=True)
class Pushed:
    """What became of one file: an item, its runs where they were waited for, or the reason there is none."""

    source: sources.Source
    item: Item | None = None
    runs: tuple[Run, ...] = ()
    known: bool = False
    reason: Reason | None = None

    @property
    def problem(self) -> Reason | None:
        if self.reason is not None:
            return self.reason
        if self.item is not None and self.item.state is ItemState.FAILED:
            return self.item.reason
        return next((run.reason for run in self.runs if run.state is RunState.FAILED), None)


@dataclass(frozen=True)
class _Push:
    """Everything the files of one push share."""

    api: ApiClient
    sender: PartSender
    show: progress.Progress
    stop: Event
    dataset: str
    wait: str
    timeout: float

    def file(self, source: sources.Source) -> Pushed:
        try:
            known, item = self._transfer(source)
            runs: tuple[Run, ...] = ()
            patience = waiting.Patience(self.timeout, sleep=self._pause)
            if self.wait != "no":
                item = waiting.for_item(self.api, item, patience, self.show)
            if self.wait == "runs" and item.state is ItemState.READY:
                runs = tuple(waiting.for_runs_of(self.api, item, patience, self.show))
        except VedetteError as error:
            pushed = Pushed(source, reason=error.reason)
        except OSError as error:
            pushed = Pushed(source, reason=_unreadable(source.path, error))
        else:
            pushed = Pushed(source, item, runs, known)
        self.show.end(source.name, _sentence(pushed))
        return pushed

    def _transfer(self, source: sources.Source) -> tuple[bool, Item]:
        """Whether the content was there already, and the item."""
        sha256 = transfer.digest(source.path, self.stop, lambda done: self.show.show(source.name, "reading", done))
        new = NewItem(name=source.name, size_bytes=source.path.stat().st_size, sha256=sha256)
        announced = self.api.post(f"/api/datasets/{self.dataset}/items", new, ItemUpload)
        if announced.upload is None:
            return True, announced.item
        base = f"/api/items/{announced.item.id}/upload"
        transfer.send(
            self.sender,
            source.path,
            announced.upload,
            lambda: self.api.get(base, Upload),
            lambda done: self.show.show(source.name, "sending", done),
        )
        return False, self.api.post(f"{base}/complete", None, Item)

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped


def command(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files, or folders with all they hold.")],
    dataset: Annotated[str, typer.Option(help="The dataset to bring them into.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the items are ready.")] = False,
    wait_runs: Annotated[bool, typer.Option("--wait-runs", help="Wait for their runs too.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.", min=1)] = 3600.0,
) -> None:
    """Bring files into a dataset. Run it again after an interruption: only what is missing is sent."""
    found = sources.find(files)
    stop = Event()
    with connection.of(ctx) as session, progress.on(session.output) as show:
        sender = PartSender(stop)
        push = _Push(
            session.api, sender, show, stop, dataset, "runs" if wait_runs else "item" if wait else "no", timeout
        )
        try:
            pushed = _all(push, found)
        finally:
            sender.close()
        _report(session.output, pushed)


def _all(push: _Push, found: list[sources.Source]) -> list[Pushed]:
    """Push several files at once; the first Ctrl-C stops all."""
    pool = ThreadPoolExecutor(_FILES_AT_ONCE, thread_name_prefix="file")
    futures: list[Future[Pushed]] = [pool.submit(push.file, source) for source in found]
    try:
        waiting_for = set(futures)
        while waiting_for:
            # With a time-out the main thread stays awake for Ctrl-C.
            done, waiting_for = wait(waiting_for, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    except KeyboardInterrupt:
        push.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        raise VedetteError(
            Code.CANCELLED, "Stopped.", "Run the same command again: only what is missing is sent."
        ) from None
    except BaseException:
        push.stop.set()
        raise
    finally:
        pool.shutdown(wait=not push.stop.is_set(), cancel_futures=True)
    return [future.result() for future in futures]


def _report(output: Output, pushed: list[Pushed]) -> None:
    problems = [each.problem for each in pushed if each.problem is not None]
    if output.as_json:
        output.result([_document(each) for each in pushed], "")
    elif len(pushed) > 1:
        output.result(None, f"{len(pushed) - len(problems)} of {len(pushed)} files are in.")
    if problems:
        raise typer.Exit(max(exit_codes.of(reason) for reason in problems))


def _document(pushed: Pushed) -> dict[str, object]:
    return {
        "file": str(pushed.source.path),
        "item": pushed.item,
        "runs": list(pushed.runs),
        "known": pushed.known,
        "reason": pushed.problem,
    }


def _sentence(pushed: Pushed) -> str:
    if pushed.problem is not None:
        return f"failed. {pushed.problem}"
    found = [f"{run.summary.detections} detections by {run.detector}" for run in pushed.runs if run.summary]
    state = pushed.item.state if pushed.item else "?"
    return ", ".join(["already there" if pushed.known else "sent", str(state), *found])


def _unreadable(path: Path, error: OSError) -> Reason:
    return Reason(
        code=Code.UNREADABLE, message=f"{path} cannot be read: {error.strerror or error}.", remedy="Check the disk."
    )
