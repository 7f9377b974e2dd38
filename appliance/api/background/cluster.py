"""What a cluster adds to the background work, put together for main.py."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.api.background.follower import Follower
from appliance.api.background.leftovers import Leftovers
from appliance.api.background.queue_board import QueueBoard
from appliance.api.background.settler import Settler
from appliance.api.background.tasks import Part
from appliance.api.services.cluster import Cluster
from appliance.api.services.following import Following
from appliance.api.services.registration import Registration, Wanted
from appliance.api.storage.database import Database
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore


def parts(cluster: Cluster | None, database: Database, messaging: Messaging, store: ObjectStore) -> Mapping[str, Part]:
    """By name; nothing in standalone mode."""
    if cluster is None:
        return {}
    following, wanted = Following(database), Wanted()
    follower = Follower(cluster, following, wanted)
    return {
        "detectors": follower.detectors,
        "training jobs": follower.training_jobs,
        "settler": Settler(database, Registration(database, store), wanted, following).forever,
        "leftovers": Leftovers(cluster, database, store).forever,
        "queue board": QueueBoard(database, messaging).forever,
    }
