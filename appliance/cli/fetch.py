"""Fetch an object from a pre-signed address into a file, whole or not at all. Used by `run export` and `dataset pull`."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from pathlib import Path

import httpx

from appliance.clients.http import tls_context
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError

_PAUSES = (0.5, 1.5, 4.0)


def to_file(url: str, path: Path, expected: Sha256 | None = None) -> int:
    """How many bytes were written. The file appears under its name once all of it is there and matches `expected`.

    Raises VedetteError(STORE, retryable | DIGEST | DISK).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        written = _retried(url, partial, path, expected)
        os.replace(partial, path)  # noqa: PTH105 - atomic, and replaces
        return written
    except OSError as error:
        raise VedetteError(
            Code.DISK, f"{path} cannot be written: {error.strerror}.", "Make room or choose another place."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _retried(url: str, partial: Path, path: Path, expected: Sha256 | None) -> int:
    problem = ""
    for pause in (*_PAUSES, 0.0):
        try:
            return _once(url, partial, path, expected)
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
        except httpx.HTTPStatusError as error:
            problem = f"it answered {error.response.status_code}"
            if error.response.status_code < 500:
                break
        time.sleep(pause)
    raise VedetteError(
        Code.STORE, f"{path.name} could not be fetched: {problem}.", "Run the same command again.", retryable=True
    )


def _once(url: str, partial: Path, path: Path, expected: Sha256 | None) -> int:
    sha256, written = hashlib.sha256(), 0
    with (
        httpx.Client(timeout=httpx.Timeout(60.0, connect=10.0), verify=tls_context(url), trust_env=False) as client,
        client.stream("GET", url) as response,
        partial.open("wb") as stream,
    ):
        response.raise_for_status()
        for chunk in response.iter_bytes(1 << 20):
            sha256.update(chunk)
            written += stream.write(chunk)
    actual = f"sha256:{sha256.hexdigest()}"
    if expected is not None and actual != expected:
        raise VedetteError(Code.DIGEST, f"{path.name} has digest {actual}, not {expected}.", "Fetch it again.")
    return written
