"""What every Job of ours has in common. Pure; used by detector.py and training.py."""

from __future__ import annotations

from typing import Any

from appliance.contracts.resources.reports import HOPELESS


def failure_policy(container: str) -> dict[str, Any]:
    """What cannot come right ends the Job at once; a pod that a node or an upgrade took away is not counted."""
    return {
        "rules": [
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": container, "operator": "In", "values": [HOPELESS]},
            },
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]
    }
