"""What the API server and the network say, as the errors people see. Used by kubernetes.py and kubernetes_watch.py alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from lightkube.core.exceptions import ConfigError

from appliance.contracts.errors import Code, VedetteError

GONE = 410
_CODES = {
    400: Code.INVALID,
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    409: Code.CONFLICT,
    GONE: Code.CONFLICT,
    413: Code.TOO_LARGE,
    422: Code.INVALID,
}
_REMEDIES = {
    Code.INVALID: "Correct that field.",
    Code.UNAUTHENTICATED: "Check the service account, or the file that KUBECONFIG names.",
    Code.FORBIDDEN: "Give that right to our service account; the chart does.",
    Code.NOT_FOUND: "Check its name and namespace.",
    Code.CONFLICT: "Look at what is there now, and try again.",
    Code.TOO_LARGE: "Make it smaller.",
}
_PREFIX = re.compile(r'^Invalid value: (?:"(?:[^"\\]|\\.)*"|\S+): ')
_UNKNOWN_FIELD = re.compile(r"failed to create typed patch object .*: \.(\S+): field not declared in schema")
_MOST_CAUSES = 3


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Around every call: `subject` is what the call is about. Raises VedetteError, retryable when the server is away."""
    try:
        yield
    except httpx2.HTTPStatusError as error:
        raise refused(error.response.status_code, _status(error.response), subject) from error
    except (httpx2.HTTPError, OSError) as error:
        raise _unavailable(subject, "does not answer") from error
    except ValueError as error:  # an answer that broke off, or of something else that listens there
        raise _unavailable(subject, "gave half an answer") from error
    except ConfigError as error:
        raise VedetteError(
            Code.UNAUTHENTICATED, f"What opens the Kubernetes API is missing: {error}.", _REMEDIES[Code.UNAUTHENTICATED]
        ) from error


def refused(status: int, said: dict[str, Any], subject: str) -> VedetteError:
    """`said` is the API server's Status object, empty where it gave none."""
    code = _CODES.get(status)
    if unknown := _UNKNOWN_FIELD.search(
        str(said.get("message") or "")
    ):  # which a server-side apply calls a fault of its own
        code, said = Code.INVALID, {"message": f"{unknown[1]}: no such field"}
    if code is None:
        return _unavailable(subject, f"answered HTTP {status}")
    sentence = _causes(said) or str(said.get("message") or "") or f"The Kubernetes API refused {subject}"
    return VedetteError(code, f"{sentence.rstrip('.')}.", _REMEDIES[code])


def _causes(said: dict[str, Any]) -> str:
    """Field and sentence of each thing that is wrong, as contracts/resources says it too."""
    causes = (said.get("details") or {}).get("causes") or []
    lines = [f"{each.get('field', '')}: {_PREFIX.sub('', each.get('message', ''))}" for each in causes]
    # The same value is often found wrong twice: by its own rule, and as one rule that could not be looked at then.
    told = [line.strip(": ") for line in dict.fromkeys(lines) if "some validation rules were not checked" not in line]
    return "; ".join(told[:_MOST_CAUSES])


def _status(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except (ValueError, httpx2.ResponseNotRead):
        return {}
    return found if isinstance(found, dict) else {}


def _unavailable(subject: str, what: str) -> VedetteError:
    message = f"The Kubernetes API {what}; it was asked for {subject}."
    return VedetteError(Code.UNAVAILABLE, message, "It is tried again; check the control plane.", retryable=True)
