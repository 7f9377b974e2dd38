"""What the operator gives up on, each an error with a name; controller.py turns them into a condition."""

from __future__ import annotations


class OperatorError(Exception):
    """The base of all. `reason` in one word, `message` for people with what would fix it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class ForeignChildError(OperatorError):
    """An object of the name of a child exists and belongs to somebody else."""


class RefusedChildError(OperatorError):
    """The API server does not take a child: a quota, a policy, or a field of the spec that it refuses."""


class SourceError(OperatorError):
    """Something that the spec names is missing or cannot be used."""
