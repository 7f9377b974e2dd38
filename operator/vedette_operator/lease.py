"""Who acts where there are two operators: a Lease, held and renewed as client-go's leader election does. Started by main.py.

Its times are client-go's: whoever has not renewed for 10 seconds stops by itself, and after 15 seconds another takes over.
The holder's clock and ours need not agree: what counts is for how long we saw no change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.clients.kubernetes_kinds import LEASES
from appliance.contracts.errors import Code, VedetteError

NAME = "vedette-operator"
HELD_SECONDS, GIVEN_UP_SECONDS, RETRY_SECONDS = 15, 10.0, 2.0


class Lease:
    """`held` is set once it is ours. `lost` is called when it is not any more, and must end the process."""

    def __init__(self, client: Kubernetes, identity: str, lost: Callable[[], None]) -> None:
        self._client, self._identity, self._lost = client, identity, lost
        self.held = asyncio.Event()
        self.answered = float("-inf")
        """When the API server last answered, by the loop's clock."""
        self._ends: asyncio.TimerHandle | None = None
        self._seen: tuple[str, float] = ("", float("-inf"))

    async def keep(self) -> None:
        """Take it, then renew it; ends only when cancelled."""
        while True:
            began = _clock()
            try:
                async with asyncio.timeout(GIVEN_UP_SECONDS / 2):
                    ours = await self._try(began)
            except (VedetteError, TimeoutError) as error:
                logging.get().warning("lease", problem=str(error) or "The API server does not answer.")
                ours = False
            if ours:
                self._renewed(began)
            await asyncio.sleep(RETRY_SECONDS)

    def _renewed(self, began: float) -> None:
        """Whatever hangs from now on, it is given up in time: the next one counts from the same moment or a later one."""
        if not self.held.is_set():
            logging.get().info("leading", identity=self._identity)
        self._stop_clock()
        self._ends = asyncio.get_running_loop().call_at(began + GIVEN_UP_SECONDS, self._lost)
        self.held.set()

    def _stop_clock(self) -> None:
        if self._ends is not None:
            self._ends.cancel()

    async def release(self) -> None:
        """So that another needs not wait. Told, and nothing more, where it cannot be. What is written afterwards is not ours."""
        self._stop_clock()
        if not self.held.is_set():
            return
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                found = await self._client.get(LEASES, NAME)
                if found["spec"].get("holderIdentity") == self._identity:
                    await self._write(found, {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _time()})
        except (VedetteError, TimeoutError) as error:
            logging.get().warning("lease not released", problem=str(error))

    async def _try(self, began: float) -> bool:
        """Whether it is ours now."""
        try:
            found = await self._client.get(LEASES, NAME)
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            await self._client.create(LEASES, {"metadata": {"name": NAME}, "spec": self._spec(0)})
            self.answered = _clock()
            return True
        self.answered = _clock()
        spec = found.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder != self._identity and not self._expired(spec, began):
            if self.held.is_set():
                self._lost()
            return False
        changes = int(spec.get("leaseTransitions") or 0)
        mine = {"renewTime": _time()} if holder == self._identity else self._spec(changes + 1)
        try:
            await self._write(found, mine)
        except VedetteError as error:
            if error.reason.code is Code.CONFLICT:  # another was faster
                return False
            raise
        return True

    def _expired(self, spec: dict[str, Any], now: float) -> bool:
        """Nobody holds it, or its holder has not renewed it for as long as it said while we watched."""
        state = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
        if state != self._seen[0]:
            self._seen = (state, now)
        held = int(spec.get("leaseDurationSeconds") or HELD_SECONDS)
        return not spec.get("holderIdentity") or now - self._seen[1] > held

    def _spec(self, changes: int) -> dict[str, Any]:
        moment = _time()
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": HELD_SECONDS,
            "acquireTime": moment,
            "renewTime": moment,
            "leaseTransitions": changes,
        }

    async def _write(self, found: dict[str, Any], spec: dict[str, Any]) -> None:
        version = found["metadata"]["resourceVersion"]
        await self._client.merge(LEASES, {"metadata": {"name": NAME, "resourceVersion": version}, "spec": spec})


def _time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _clock() -> float:
    return asyncio.get_running_loop().time()
