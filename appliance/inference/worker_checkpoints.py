"""Finished bands of a run in the object store, so that any worker can go on. Used by worker_run.py; knows bytes only."""

from __future__ import annotations

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import RunId
from appliance.contracts.errors import Code, VedetteError

_BAND_LIMIT = 1 << 30


class StoreCheckpoints:
    """`inference.checkpoints.Checkpoints` over the object store: an object appears whole or not at all."""

    def __init__(self, store: ObjectStore, run_id: RunId) -> None:
        self._store = store
        self._run_id = run_id

    def load(self, band: int) -> bytes | None:
        try:
            return self._store.get_bytes(keys.checkpoint(self._run_id, band), _BAND_LIMIT)
        except VedetteError as error:
            if error.reason.code is Code.NOT_FOUND:
                return None
            raise

    def save(self, band: int, data: bytes) -> None:
        self._store.put_bytes(keys.checkpoint(self._run_id, band), data, "application/vnd.apache.parquet")

    def clear(self) -> None:
        """Once the result is there nobody needs them."""
        folder = keys.checkpoint(self._run_id, 0).rpartition("/")[0] + "/"
        self._store.delete(found.key for found in list(self._store.list_objects(folder)))
