"""The cluster this API is part of: its client, the namespace that is followed, and whether the API server answers, as this process
last heard. Made by main.py; told by background/follower.py, asked by machine.py and resources.py.
"""

from __future__ import annotations

from appliance.api.views.work import ServerState
from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.contracts.base import now
from appliance.contracts.errors import VedetteError

FIELD_MANAGER = "vedette-api"


class Cluster:
    """The client says an outage in the log when it begins; this says when it is over."""

    def __init__(self, kubernetes: Kubernetes, namespace: str) -> None:
        self.kubernetes, self.namespace = kubernetes, namespace
        self.state = ServerState(answers=True)

    @classmethod
    def from_environment(cls, namespace: str) -> Cluster | None:
        """None in standalone mode, where no namespace is given."""
        return cls(Kubernetes.from_environment(FIELD_MANAGER), namespace) if namespace else None

    async def close(self) -> None:
        await self.kubernetes.close()

    def away(self, problem: VedetteError) -> None:
        self.state = ServerState(answers=False, problem=str(problem.reason), since=self.state.since or now())

    def answers(self) -> None:
        if not self.state.answers:
            logging.get().info("the Kubernetes API answers again")
        self.state = ServerState(answers=True)
