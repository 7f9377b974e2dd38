"""One answer for a request that is sent twice with the same `Idempotency-Key`, for a day. Called by api/idempotency.py.

Answers may hold a secret that is shown once (a token, a link). They are therefore sealed with the key itself (AES-256-GCM,
the key from it by HKDF-SHA256), of which the database has only a hash: who reads the database alone opens nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

from appliance.api.storage import idempotency as storage
from appliance.api.storage.database import Database
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError

_KEPT = timedelta(days=1)
_LONGEST_ANSWERING = timedelta(minutes=5)
_SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 12, 16


@dataclass(frozen=True)
class Answer:
    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True)
class Once:
    """A request as it is known again: who sent it, under which key, and what it said."""

    principal_id: UUID
    key: str
    fingerprint: bytes

    @property
    def key_hash(self) -> bytes:
        return hashlib.sha256(self.key.encode()).digest()


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, request: Once) -> Answer | None:
        """The answer it got before; None when it is to be answered now, and then `keep` or `forget` must follow.

        Raises VedetteError(CONFLICT) while the first is being answered, INVALID when the key was another request's.
        """
        at = now()
        async with self._database.begin() as connection:
            await storage.forget_old(connection, at - _KEPT, at - _LONGEST_ANSWERING)
            if await storage.claim(connection, request.principal_id, request.key_hash, request.fingerprint):
                return None
            kept = await storage.find(connection, request.principal_id, request.key_hash)
        if kept is not None and kept.fingerprint != request.fingerprint:
            raise VedetteError(
                Code.INVALID, "This Idempotency-Key was used for another request.", "Make a new key for each request."
            )
        if kept is None or kept.answer is None:
            raise VedetteError(
                Code.CONFLICT, "The same request is being answered at this moment.", "Wait a moment and send it again."
            )
        return unsealed(kept.answer, request)

    async def keep(self, request: Once, answer: Answer) -> None:
        async with self._database.begin() as connection:
            await storage.keep(connection, request.principal_id, request.key_hash, sealed(answer, request))

    async def forget(self, request: Once) -> None:
        """Nothing was done: the same key may be tried again."""
        async with self._database.begin() as connection:
            await storage.forget(connection, request.principal_id, request.key_hash)


def sealed(answer: Answer, request: Once) -> bytes:
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    head = json.dumps([answer.status, answer.media_type]).encode()
    cipher = AES.new(_cipher_key(request, salt), AES.MODE_GCM, nonce=nonce, mac_len=_TAG_BYTES)
    cipher.update(request.fingerprint)
    text, tag = cipher.encrypt_and_digest(len(head).to_bytes(2, "big") + head + answer.body)
    return salt + nonce + tag + text


def unsealed(kept: bytes, request: Once) -> Answer:
    """Raises ValueError when it was changed, or sealed with another key."""
    salt, rest = kept[:_SALT_BYTES], kept[_SALT_BYTES:]
    nonce, tag, text = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:][:_TAG_BYTES], rest[_NONCE_BYTES + _TAG_BYTES :]
    cipher = AES.new(_cipher_key(request, salt), AES.MODE_GCM, nonce=nonce, mac_len=_TAG_BYTES)
    cipher.update(request.fingerprint)
    plain = cipher.decrypt_and_verify(text, tag)
    length = int.from_bytes(plain[:2], "big")
    status, media_type = json.loads(plain[2 : 2 + length])
    return Answer(status, media_type, plain[2 + length :])


def _cipher_key(request: Once, salt: bytes) -> bytes:
    key = HKDF(request.key.encode(), 32, salt, SHA256, context=b"vedette idempotency")
    if not isinstance(key, bytes):
        raise TypeError("one key was asked for")
    return key
