"""The one error a person sees: what is wrong, with which file, and what to do about it.

Raised anywhere, translated at an edge: the API turns it into an RFC 9457 problem, the CLI into exit code 2, a worker
into the reason on an item or a run. Never shown as a traceback.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from appliance.contracts.base import Contract


class Code(StrEnum):
    """What kind of thing went wrong; stable, for programs and documentation."""

    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too-large"
    EMPTY = "empty"
    BANDS = "bands"
    GSD = "gsd"
    GEOREFERENCE = "georeference"
    LABELS = "labels"
    MODEL_PACKAGE = "model-package"
    DIGEST = "digest"
    LIMIT = "limit"
    DISK = "disk"
    STORE = "store"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Reason(Contract):
    """Why something could not be done: one sentence that names the file, and one that names the remedy."""

    code: Code
    message: str = Field(max_length=2000)
    remedy: str = Field(default="", max_length=2000)
    retryable: bool = False

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class VedetteError(Exception):
    """Carries a `Reason`. Retryable means: the input is fine, the surroundings were not (disk, store, network)."""

    def __init__(self, code: Code, message: str, remedy: str = "", *, retryable: bool = False) -> None:
        self.reason = Reason(code=code, message=message[:2000], remedy=remedy[:2000], retryable=retryable)
        super().__init__(str(self.reason))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.reason.model_dump(mode="json"),))


def _rebuild(reason: dict[str, object]) -> VedetteError:
    """Unpickle across a process boundary (the decoding process, worker pools)."""
    parsed = Reason.model_validate(reason)
    return VedetteError(parsed.code, parsed.message, parsed.remedy, retryable=parsed.retryable)
