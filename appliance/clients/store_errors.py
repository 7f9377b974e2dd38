"""What the S3 library and the network raise, as the errors people see. Used by objectstore.py alone."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from minio.error import InvalidResponseError, S3Error, ServerError

from appliance.contracts.errors import Code, VedetteError

_ABSENT = frozenset({"NoSuchKey", "NoSuchUpload", "NoSuchBucket", "ResourceNotFound"})
_FULL = frozenset({"XMinioStorageFull", "InsufficientStorage", "EntityTooLargeForDisk"})
_REFUSED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidAccessKey"})
_FULL_STATUS = 507


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Around every call: `subject` is the key the call is about."""
    try:
        yield
    except S3Error as error:
        raise _from_store(error, subject) from error
    except (InvalidResponseError, ServerError) as error:
        status = error.status_code if isinstance(error, ServerError) else error._code
        if status == _FULL_STATUS:
            raise _full(subject) from error
        raise _unavailable(subject, f"answered HTTP {status}") from error
    except urllib3.exceptions.HTTPError as error:
        raise _unavailable(subject, "does not answer") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"The disk is full: {subject} could not be written."
            raise VedetteError(Code.DISK, message, "Free some space and try again.", retryable=True) from error
        raise _unavailable(subject, f"cannot be reached ({error.strerror or error})") from error


def _from_store(error: S3Error, subject: str) -> VedetteError:
    if error.code in _ABSENT:
        return VedetteError(Code.NOT_FOUND, f"{subject} is not in the object store.", "Upload it again.")
    if error.code in _FULL:
        return _full(subject)
    if error.code in _REFUSED:
        remedy = "Check VEDETTE_STORE_ACCESS_KEY and VEDETTE_STORE_SECRET_KEY."
        message = f"The object store refused our keys for {subject} ({error.code})."
        return VedetteError(Code.STORE, message, remedy, retryable=True)
    return _unavailable(subject, f"answered {error.code}")


def _full(subject: str) -> VedetteError:
    message = f"The object store is full: {subject} could not be written."
    return VedetteError(Code.DISK, message, "Free some space in the object store and try again.", retryable=True)


def _unavailable(subject: str, what: str) -> VedetteError:
    message = f"The object store {what}; it was asked for {subject}."
    return VedetteError(Code.STORE, message, "Check that it runs (`vedette status`) and try again.", retryable=True)
