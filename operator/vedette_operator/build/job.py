"""What every Job of ours has in common. Pure; used by detector.py and training.py."""

from __future__ import annotations

from typing import Any

BAD_INPUT = 64
"""The exit code (EX_USAGE of sysexits.h) of a container that would fail again however often it is tried."""


def failure_policy(container: str) -> dict[str, Any]:
    """What cannot come right ends the Job at once; a pod that a node or an upgrade took away is not counted."""
    return {
        "rules": [
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": container, "operator": "In", "values": [BAD_INPUT]},
            },
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]
    }
