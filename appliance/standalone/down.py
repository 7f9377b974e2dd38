"""Stop what `vedette up` started on a data folder, and see that nothing of it is left. Called by `vedette down`."""

from __future__ import annotations

import contextlib
import time

import psutil

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import lock, status, sweep
from appliance.standalone.layout import DataFolder

_STOP_SECONDS = 90.0
_KILL_SECONDS = 10.0


def down(data: DataFolder) -> bool:
    """Whether something ran. Returns once nothing does.

    Raises VedetteError(CONFLICT) when the supervisor does not end, even when killed.
    """
    ran = lock.is_held(data)
    if ran:
        _ask(data)
    if not data.path.is_dir():
        return False
    with lock.held(data):
        left = sweep.sweep(data)
        data.status.unlink(missing_ok=True)
    return ran or left > 0


def _ask(data: DataFolder) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    told: set[int] = set()
    while lock.is_held(data):
        found = status.read(data)  # None for the moment between taking the lock and the first word
        if found is not None and found.supervisor not in told:
            told.add(found.supervisor)
            with contextlib.suppress(psutil.Error):
                psutil.Process(found.supervisor).terminate()
        if time.monotonic() > deadline:
            _insist(data, told)
            return
        time.sleep(0.05)


def _insist(data: DataFolder, told: set[int]) -> None:
    for process_id in told:
        with contextlib.suppress(psutil.Error):
            psutil.Process(process_id).kill()
    deadline = time.monotonic() + _KILL_SECONDS
    while lock.is_held(data):
        if time.monotonic() > deadline:
            raise VedetteError(Code.CONFLICT, f"Vedette on {data.path} does not end.", "Restart the machine.")
        time.sleep(0.05)
