"""A key-value bucket whose values are one contract: what is put under a key stands there until it is replaced. Made by messaging.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

from nats.js import JetStreamContext
from nats.js import errors as js_errors
from pydantic import BaseModel, ValidationError

from appliance.clients import follow, jetstream
from appliance.clients.jetstream import translated

T = TypeVar("T", bound=BaseModel)


class Board(Generic[T]):
    """`put`, `forget` and `keys` raise VedetteError(UNAVAILABLE | DISK, retryable) while the server is away or full."""

    def __init__(self, stream: Callable[[], JetStreamContext], bucket: str, model: type[T]) -> None:
        self._stream, self._bucket, self._model = stream, bucket, model

    async def put(self, key: str, value: T) -> None:
        with translated(f"the bucket {self._bucket}"):
            bucket = await self._stream().key_value(self._bucket)
            await bucket.put(key, value.model_dump_json(by_alias=True, exclude_none=True).encode())

    async def forget(self, key: str) -> None:
        with translated(f"the bucket {self._bucket}"):
            await (await self._stream().key_value(self._bucket)).purge(key)

    async def keys(self) -> list[str]:
        """What stands there now."""
        with translated(f"the bucket {self._bucket}"):
            try:
                return list(await (await self._stream().key_value(self._bucket)).keys())
            except js_errors.NoKeysError:
                return []

    async def follow(self) -> AsyncGenerator[tuple[str, T | None], None]:
        """All that stands there, then every change; None for what was forgotten. Goes on by itself until cancelled.

        A value of a newer version, which this one does not understand, is left out.
        """
        subject = jetstream.bucket_subjects(self._bucket)
        found = follow.follow(self._stream, jetstream.bucket_stream(self._bucket), subject, 0)
        async with contextlib.aclosing(found) as entries:
            async for entry in entries:
                key = entry.subject.removeprefix(subject.removesuffix(">"))
                if (entry.headers or {}).get("KV-Operation"):
                    yield key, None
                else:
                    with contextlib.suppress(ValidationError):
                        yield key, self._model.model_validate_json(entry.data)
