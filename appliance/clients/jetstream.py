"""The streams and buckets of contracts/messages.py as JetStream knows them, and its errors as people see them.

Used by messaging.py alone. No limit in bytes: what a full disk refuses is told to the publisher.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import nats.errors
from nats.js import JetStreamContext, api
from nats.js import errors as js_errors

from appliance.contracts import messages
from appliance.contracts.errors import Code, VedetteError

_DUPLICATE_WINDOW_SECONDS = 120
_DAY_SECONDS = 86_400
_WORKER_SECONDS = 15
_LANE_DAYS = 7
"""What was sent to a lane in the moment in which it was closed lies there for nobody; its run was placed elsewhere."""
_EVENTS_BYTES = 512 << 20
_BUCKETS = (
    (messages.WORKERS_BUCKET, _WORKER_SECONDS),
    (messages.CANCELLED_BUCKET, _DAY_SECONDS),
    (messages.EXCUSED_BUCKET, _DAY_SECONDS),
    (messages.QUEUES_BUCKET, 0),
    (messages.TRAINING_BUCKET, 30 * _DAY_SECONDS),
)
_NAME_IN_USE = 10058
_NO_SPACE = frozenset({10023, 10047, 10077})  # insufficient resources, storage exceeded, message could not be stored


def _work_queue(name: str, subject: str, days: int = 0) -> api.StreamConfig:
    """`days`: after which a message is dropped; 0: never."""
    return api.StreamConfig(
        name=name,
        max_age=days * _DAY_SECONDS,
        subjects=[subject],
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        duplicate_window=_DUPLICATE_WINDOW_SECONDS,
    )


def _streams() -> list[api.StreamConfig]:
    return [
        _work_queue(messages.MEDIA_STREAM, messages.MEDIA_SUBJECTS),
        _work_queue(messages.LANES_STREAM, messages.LANES_SUBJECTS, _LANE_DAYS),
        _work_queue(messages.REPORTS_STREAM, messages.REPORTS_SUBJECTS),
        api.StreamConfig(
            name=messages.EVENTS_STREAM,
            subjects=[messages.EVENTS_SUBJECTS],
            retention=api.RetentionPolicy.LIMITS,
            storage=api.StorageType.FILE,
            max_age=_DAY_SECONDS,
            max_bytes=_EVENTS_BYTES,
            duplicate_window=_DUPLICATE_WINDOW_SECONDS,
        ),
    ]


def bucket_stream(bucket: str) -> str:
    """The stream behind a key-value bucket (NATS ADR-8)."""
    return f"KV_{bucket}"


def bucket_subjects(bucket: str) -> str:
    """All that stands in it: `$KV.bucket.KEY` for each key."""
    return f"$KV.{bucket}.>"


async def ensure(stream: JetStreamContext) -> None:
    """Create what is missing, update what differs, remove what older versions had."""
    for former in messages.FORMER_STREAMS:
        with contextlib.suppress(js_errors.NotFoundError):
            await stream.delete_stream(former)
    for config in _streams():
        try:
            await stream.add_stream(config)
        except js_errors.BadRequestError as error:
            if error.err_code != _NAME_IN_USE:
                raise
            await stream.update_stream(config)
    for bucket, seconds in _BUCKETS:
        config_of_bucket = api.KeyValueConfig(
            bucket=bucket, ttl=seconds, history=1, storage=api.StorageType.FILE, direct=True
        )
        with contextlib.suppress(js_errors.BadRequestError):  # there, as another version made it
            await stream.create_key_value(config_of_bucket)


@contextlib.contextmanager
def translated(subject: str) -> Iterator[None]:
    """Around every call: `subject` is what the call is about."""
    try:
        yield
    except nats.errors.MaxPayloadError as error:
        raise VedetteError(Code.LIMIT, f"A message for {subject} is too large.", "Report this as a defect.") from error
    except js_errors.APIError as error:
        if error.err_code in _NO_SPACE:
            message = f"The messaging server's disk is full: nothing was stored for {subject}."
            raise VedetteError(Code.DISK, message, "Free some space and try again.", retryable=True) from error
        raise _unavailable(subject, f"answered: {error.description}") from error
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise _unavailable(subject, "does not answer") from error


def _unavailable(subject: str, what: str) -> VedetteError:
    message = f"The messaging server {what}; it was asked for {subject}."
    remedy = "It is tried again; check that it runs (`vedette status`)."
    return VedetteError(Code.UNAVAILABLE, message, remedy, retryable=True)
