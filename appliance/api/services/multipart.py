"""Multipart uploads straight to the store: what parts there are, which are missing, and whether all came.

Synchronous, as the store's client is; called by services in threads. Knows nothing of items and detectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from appliance.api.views.uploads import Upload, UploadPart
from appliance.clients.objectstore import ObjectStore, UploadedPart
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError

_PARTS_LIMIT = 10_000
_ADDRESSES_AT_ONCE = 1000
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Transfer:
    """One object on its way. `name` is for people."""

    key: str
    upload_id: str
    size_bytes: int
    part_size_bytes: int
    name: str

    def part_sizes(self) -> list[int]:
        """In bytes; all alike but the last."""
        whole, rest = divmod(self.size_bytes, self.part_size_bytes)
        return [self.part_size_bytes] * whole + ([rest] if rest else [])


def part_size(size_bytes: int, preferred: int) -> int:
    """At least `preferred`, and large enough for S3's ten thousand parts; whole mebibytes."""
    needed = -(-size_bytes // _PARTS_LIMIT)
    return max(preferred, -(-needed // _MEBIBYTE) * _MEBIBYTE)


def describe(store: ObjectStore, transfer: Transfer, valid: timedelta) -> Upload:
    """Every part, with addresses for the first thousand that are missing.

    Raises VedetteError(NOT_FOUND) when the store has forgotten the upload.
    """
    there = {part.number: part.size_bytes for part in store.list_parts(transfer.key, transfer.upload_id)}
    parts, addresses = [], _ADDRESSES_AT_ONCE
    for number, size in enumerate(transfer.part_sizes(), start=1):
        done = there.get(number) == size
        url = None
        if not done and addresses:
            addresses -= 1
            url = store.presigned_part(transfer.key, transfer.upload_id, number, valid)
        parts.append(UploadPart(number=number, size_bytes=size, url=url, done=done))
    return Upload(part_size_bytes=transfer.part_size_bytes, parts=parts, expires_at=now() + valid)


def finish(store: ObjectStore, transfer: Transfer) -> None:
    """Put the parts together. A second call finds the object whole and does nothing.

    Raises VedetteError(CONFLICT) when parts are missing or of the wrong size.
    """
    try:
        there = {part.number: part for part in store.list_parts(transfer.key, transfer.upload_id)}
    except VedetteError as error:
        if error.reason.code is Code.NOT_FOUND and _is_whole(store, transfer):
            return
        raise
    parts = _expected(transfer, there)
    try:
        store.complete_multipart(transfer.key, transfer.upload_id, parts)
    except VedetteError as error:
        if error.reason.code is not Code.NOT_FOUND:
            raise
    if not _is_whole(store, transfer):
        raise VedetteError(Code.CONFLICT, f"{transfer.name} did not arrive whole.", "Send it again.")


def _expected(transfer: Transfer, there: dict[int, UploadedPart]) -> list[UploadedPart]:
    sizes = transfer.part_sizes()
    missing = [n for n, size in enumerate(sizes, start=1) if n not in there or there[n].size_bytes != size]
    if missing:
        raise VedetteError(
            Code.CONFLICT,
            f"{len(missing)} of {len(sizes)} parts of {transfer.name} are missing, the first is part {missing[0]}.",
            "Ask for the upload again and send the parts that are not done.",
        )
    return [there[number] for number in range(1, len(sizes) + 1)]


def _is_whole(store: ObjectStore, transfer: Transfer) -> bool:
    stat = store.stat(transfer.key)
    return stat is not None and stat.size_bytes == transfer.size_bytes
