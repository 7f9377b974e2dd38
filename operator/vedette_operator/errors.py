"""What the operator gives up on, each an error with a name; handlers turn them into a condition."""

from __future__ import annotations


class OperatorError(Exception):
    """The base of all."""


class ForeignChildError(OperatorError):
    """An object of the name of a child exists and belongs to somebody else."""
