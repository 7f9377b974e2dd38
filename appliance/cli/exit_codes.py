"""What `vedette` answers to the shell, and how an error becomes one of these. Used by main.py and by verbs that end badly.

0    done
1    unexpected: a defect of ours; VEDETTE_DEBUG=1 shows where
2    bad input, or refused: one sentence and the remedy are on standard error
3    the appliance, or its store, could not be reached or did not answer in time
4    not signed in, or not allowed
130  interrupted (Ctrl-C); running the same command again goes on where it stopped
"""

from __future__ import annotations

from appliance.contracts.errors import Code, Reason

OK = 0
UNEXPECTED = 1
REFUSED = 2
UNREACHABLE = 3
NOT_ALLOWED = 4
INTERRUPTED = 130

_BY_CODE = {
    Code.UNAVAILABLE: UNREACHABLE,
    Code.STORE: UNREACHABLE,
    Code.UNAUTHENTICATED: NOT_ALLOWED,
    Code.FORBIDDEN: NOT_ALLOWED,
    Code.INTERNAL: UNEXPECTED,
    Code.CANCELLED: INTERRUPTED,
}


def of(reason: Reason) -> int:
    return _BY_CODE.get(reason.code, REFUSED)
