"""Follow the Detectors and TrainingJobs of our namespace, and keep what they say. Run by background/tasks.py on a cluster.

Every API process follows by itself: what is kept is kept by its version, and twice is once (ADR 16). While the API server is
away the API goes on with what it knew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from appliance.api.following import said
from appliance.api.services.cluster import Cluster
from appliance.api.services.following import Following
from appliance.api.services.registration import Wanted
from appliance.clients import logging
from appliance.clients.kubernetes_kinds import DETECTORS, TRAINING_JOBS, Manifest
from appliance.clients.kubernetes_watch import Away, Changed, Listed
from appliance.contracts.errors import VedetteError


class Follower:
    def __init__(self, cluster: Cluster, following: Following, wanted: Wanted) -> None:
        self._cluster, self._following, self._wanted = cluster, following, wanted

    async def detectors(self) -> None:
        async with contextlib.aclosing(self._cluster.kubernetes.watch(DETECTORS, self._cluster.namespace)) as watched:
            async for told in watched:
                match told:
                    case Away(problem):
                        self._cluster.away(problem)
                    case Listed(objects):
                        self._cluster.answers()
                        await self.listed(objects)
                    case Changed("DELETED", manifest):
                        await self._following.gone(manifest["metadata"]["name"], manifest["metadata"]["uid"])
                    case Changed(_, manifest):
                        await self.heard(manifest, listed=False)

    async def training_jobs(self) -> None:
        async with contextlib.aclosing(
            self._cluster.kubernetes.watch(TRAINING_JOBS, self._cluster.namespace)
        ) as watched:
            async for told in watched:
                objects = told.objects if isinstance(told, Listed) else ()
                if isinstance(told, Changed) and told.change != "DELETED":
                    objects = (told.object,)
                for manifest in objects:
                    self.trained(manifest)

    async def listed(self, objects: tuple[Manifest, ...]) -> None:
        """All there are: any other is gone."""
        await self._following.only([manifest["metadata"]["name"] for manifest in objects])
        for manifest in objects:
            await self.heard(manifest, listed=True)

    async def heard(self, manifest: Manifest, listed: bool) -> None:
        with _told(manifest):
            detector, packages = said.detector(manifest)
            await self._following.heard(detector, listed)
            self._wanted.ask(*packages)

    def trained(self, manifest: Manifest) -> None:
        with _told(manifest):
            package = said.published(manifest)
            if package is not None:
                self._wanted.ask(package)


@contextlib.contextmanager
def _told(manifest: Manifest) -> Iterator[None]:
    """One that is not understood is left as it was known; the others are followed on."""
    try:
        yield
    except VedetteError as error:
        if error.reason.retryable:
            raise
        logging.get().warning("not followed", kind=manifest.get("kind"), problem=str(error))
