"""One pod's share of a TrainingJob, from snapshots to report. Called by __main__.py; knows no environment variable."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from appliance.clients import logging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings
from appliance.contracts import keys
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.base import package_name, package_version
from appliance.contracts.resources.reports import TrainingReport
from appliance.contracts.resources.tasks import TrainingTask
from appliance.contracts.resources.training_status import PublishedPackage, Verdict
from appliance.formats import fetch
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot
from appliance.training import evaluation, export, job, scenes
from appliance.training.cluster import judgement, publish
from appliance.training.cluster.checkpoints import Checkpoints
from appliance.training.cluster.ending import Stop
from appliance.training.cluster.progress import Announcer, Progress, by_metric
from appliance.training.configuration import TrainingConfiguration
from appliance.training.peers import Peers
from appliance.training.watch import Watch

_REPORT = "report.json"
_REPORT_BYTES = 1 << 16


@dataclass(frozen=True)
class Trainer:
    """All that one pod needs. `work` outlives a container at most: only the store counts."""

    task: TrainingTask
    configuration: TrainingConfiguration
    store: ObjectStore
    messaging: MessagingSettings | None
    work: Path
    bucket: str

    @property
    def prefix(self) -> str:
        return keys.training_prefix(self.task.uid)

    @property
    def goal(self) -> str:
        return self.task.spec.goal.metric if self.task.spec.goal else "f1"

    def run(self, peers: Peers, stop: Stop) -> TrainingReport | None:
        """The report, of the first pod; None of the others, which leave when the first has done all.

        The report is stored before the package is published, and the package's digest last: whenever the pod is
        killed, the next one either finds all done or publishes anew where nothing whole lies yet.
        """
        done = self._done_before()
        if done is not None:
            return done
        data, checkpoints = self._data(), self._checkpoints()
        checkpoints.restore(self.work / self.task.uid)
        progress = Progress(self.goal)
        watch = Watch(progress.told, stop.asked, progress.moved, checkpoints.due, checkpoints.saved)
        with ExitStack() as stack:
            if peers.first and self.messaging is not None:
                stack.enter_context(Announcer(self.messaging, self.task.uid, progress))
            with stop.patiently():
                trained = job.train(self.configuration, data, self.work / self.task.uid, watch, peers)
            report = None
            if peers.first:
                package = job.write(self.configuration, data, trained, self.work / self.task.uid / "package")
                report = self._publish(package, self._judge(package, data))
                checkpoints.remove()
            peers.meet()
        return report

    def _done_before(self) -> TrainingReport | None:
        """What an earlier pod of this job reported, if its package lies in the store."""
        name, version = self.configuration.name, self.configuration.version
        there = publish.published(self.store, name, version)
        try:
            report = TrainingReport.model_validate_json(self.store.get_bytes(self.prefix + _REPORT, _REPORT_BYTES))
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            report = None
        if there is None:
            return None
        if report is None or report.model_package.digest != there:
            raise publish.exists(name, version, there)
        return report

    def _data(self) -> job.Data:
        wanted = self.task.spec.dataset
        train, validation = self._snapshot(wanted.train), self._snapshot(wanted.validation)
        test = self._snapshot(wanted.test) if wanted.test else None
        origin = self.task.spec.from_
        return job.Data(
            train, validation, test, origin=self._package(origin.storage_uri, origin.digest) if origin else None
        )

    def _snapshot(self, digest: Sha256) -> Snapshot:
        logging.get().info("fetching", snapshot=digest)
        try:
            return fetch.fetch_snapshot(
                self.store.get_file, digest, self.work / "snapshots" / digest.removeprefix("sha256:")
            )
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            message = f"The snapshot {digest} is not whole in the object store: {error.reason.message}"
            raise VedetteError(Code.NOT_FOUND, message, "Name a snapshot that the dataset has.") from error

    def _package(self, uri: str, digest: Sha256 | None) -> ModelPackage:
        prefix = keys.model_prefix(package_name(uri), package_version(uri))
        return fetch.fetch_package(self.store.get_file, prefix, digest, self.work / self.task.uid / "origin")

    def _checkpoints(self) -> Checkpoints:
        every = float(self.task.spec.checkpoint.every_seconds)
        return Checkpoints(self.store, self.prefix, every)

    def _judge(self, package: ModelPackage, data: job.Data) -> Verdict:
        configuration, point = self.configuration, package.manifest.running_point
        model = export.onnx_model(package.model_path, configuration.threads)
        held = scenes.load(data.train, data.train.manifest.labels, configuration.gsd_metres)
        found = evaluation.candidates(model, held, configuration.tile_size, configuration.halo)
        choice = evaluation.Choice(point.threshold, point.overlap, 0.0)
        on_training = by_metric(evaluation.report(found, choice))[self.goal]
        where = "test/" if data.test else "validation/"
        figures = package.manifest.metrics.items()
        elsewhere = by_metric({key.removeprefix(where): value for key, value in figures if key.startswith(where)})
        fit = judgement.fit(on_training, elsewhere[self.goal])
        goal = self.task.spec.goal
        return Verdict(
            fit=fit,
            goal_met=goal is None or elsewhere[self.goal] >= goal.minimum,
            outliers=0 if fit == "Underfit" else judgement.outliers(found, choice),
        )

    def _publish(self, package: ModelPackage, verdict: Verdict) -> TrainingReport:
        prefix = keys.model_prefix(package.manifest.name, package.manifest.version).rstrip("/")
        place = PublishedPackage(storage_uri=f"s3://{self.bucket}/{prefix}", digest=package.digest)
        report = TrainingReport(model_package=place, verdict=verdict)
        text = report.model_dump_json(by_alias=True).encode()
        self.store.put_bytes(self.prefix + _REPORT, text, "application/json")
        publish.publish(self.store, package)
        return report
