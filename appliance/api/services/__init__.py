"""What the API does, one service per noun. Services decide and call storage, the store and messaging; they know no HTTP.

main.py builds `Services` once per process and puts it on the app.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from appliance.api.services.accounts import Accounts
from appliance.api.services.annotation_edits import AnnotationEdits
from appliance.api.services.annotations import Annotations
from appliance.api.services.cluster import Cluster
from appliance.api.services.datasets import Datasets
from appliance.api.services.detections import Detections
from appliance.api.services.detectors import Detectors
from appliance.api.services.evaluation import Evaluations
from appliance.api.services.events import EventStreams
from appliance.api.services.health import HealthChecks
from appliance.api.services.idempotency import Idempotency
from appliance.api.services.items import Items
from appliance.api.services.machine import Machine
from appliance.api.services.outlook import Outlooks
from appliance.api.services.raster_tiles import RasterTiles
from appliance.api.services.resources import Resources
from appliance.api.services.roster import Roster
from appliance.api.services.runs import Runs
from appliance.api.services.snapshots import Snapshots
from appliance.api.services.uploads import Uploads
from appliance.api.services.vector_tiles import VectorTiles
from appliance.api.services.workers import Workers
from appliance.api.settings import ApiSettings
from appliance.api.storage.database import Database
from appliance.clients.kubernetes_kinds import DETECTORS, TRAINING_JOBS
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource


@dataclass(frozen=True)
class Services:
    settings: ApiSettings
    accounts: Accounts
    datasets: Datasets
    items: Items
    uploads: Uploads
    runs: Runs
    detections: Detections
    evaluation: Evaluations
    detectors: Detectors
    annotations: Annotations
    annotation_edits: AnnotationEdits
    snapshots: Snapshots
    raster_tiles: RasterTiles
    vector_tiles: VectorTiles
    events: EventStreams
    health: HealthChecks
    machine: Machine
    workers: Workers
    roster: Roster
    idempotency: Idempotency
    detector_resources: Resources[DetectorResource]
    training_job_resources: Resources[TrainingJobResource]

    @classmethod
    def build(
        cls,
        settings: ApiSettings,
        database: Database,
        messaging: Messaging,
        store: ObjectStore,
        stopping: asyncio.Event,
        cluster: Cluster | None = None,
    ) -> Services:
        """`cluster`: None in standalone mode."""
        items, health = Items(database, store), HealthChecks(database, messaging, store)
        roster = Roster(messaging, database.wake)
        return cls(
            settings=settings,
            accounts=Accounts(database, settings),
            datasets=Datasets(database),
            items=items,
            uploads=Uploads(database, store, settings),
            runs=Runs(database, Outlooks(database, roster), cluster is not None),
            detections=Detections(database, store),
            evaluation=Evaluations(database),
            detectors=Detectors(database, store, settings, cluster is not None),
            annotations=Annotations(database),
            annotation_edits=AnnotationEdits(database),
            snapshots=Snapshots(database, store),
            raster_tiles=RasterTiles(items, store, settings),
            vector_tiles=VectorTiles(database, settings.tile_features),
            events=EventStreams(messaging, stopping),
            health=health,
            machine=Machine(database, messaging, health, settings.data_folder, cluster),
            workers=Workers(database, messaging),
            roster=roster,
            idempotency=Idempotency(database),
            detector_resources=Resources(cluster, DETECTORS, DetectorResource),
            training_job_resources=Resources(cluster, TRAINING_JOBS, TrainingJobResource),
        )
