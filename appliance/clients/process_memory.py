"""How much memory a process and all below it hold. Used by `vedette status`, by the API and by workers of themselves."""

from __future__ import annotations

import contextlib

import psutil

from appliance.contracts.machine import PartStatus


def resident_bytes(process_id: int) -> int | None:
    """Resident and not shared with others, of the process and all below it: shared pages would count many times."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(process_id)
        total = 0
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                memory = each.memory_info()
                total += memory.rss - memory.shared
        return total
    return None


def with_memory(part: PartStatus) -> PartStatus:
    if part.process_id is None or not part.state.running:
        return part
    return part.model_copy(update={"memory_bytes": resident_bytes(part.process_id)})
