"""How right a run is: its detections against the annotations of its item. Called by routes/detections.py."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from appliance.api.map_plane import outline
from appliance.api.services.missing import no_detector, no_run
from appliance.api.storage import annotations as annotation_rows
from appliance.api.storage import detections, detectors, runs
from appliance.api.storage.database import Database
from appliance.api.views.work import Evaluation, OperatingPoint
from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.base import RunId
from appliance.contracts.detection import PixelBox
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.run import RunState
from appliance.vision import metrics

OVERLAP = 0.4
"""The IoU from which a detection is an annotated object: what crown detection is measured at (Weinstein et al. 2021)."""
_CURVE = np.linspace(0.0, 1.0, 101)

Found = list[tuple[str, float, PixelBox]]


class Evaluations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def evaluate(self, run_id: RunId, threshold: float | None) -> Evaluation:
        """Raises VedetteError(NOT_FOUND) where the item has no annotations, CONFLICT while the run has not succeeded."""
        async with self._database.begin() as connection:
            record = await runs.find(connection, run_id)
            if record is None:
                raise no_run(run_id)
            run = record.run
            if run.state is not RunState.SUCCEEDED:
                raise VedetteError(Code.CONFLICT, f"Run {run_id} is {run.state.value}.", "Wait until it has succeeded.")
            detector = await detectors.find(connection, run.detector, run.version)
            if detector is None:
                raise no_detector(run.detector, run.version)
            truth = [record for _, _, record in await annotation_rows.records(connection, [run.item_id])]
            if not truth:
                raise VedetteError(
                    Code.NOT_FOUND, f"{run.item_name} has no annotations.", "Import labels for it to be compared with."
                )
            found = await detections.scored_boxes(connection, run_id)
        chosen = detector.detector.manifest.running_point.threshold if threshold is None else threshold
        return await asyncio.to_thread(compare, found, truth, chosen)


def compare(found: Found, truth: list[AnnotationRecord], threshold: float) -> Evaluation:
    """Pure. By label where both sides share any (whatever its case), else whatever the label."""
    scores = np.array([score for _, score, _ in found], np.float64)
    names = {name: index for index, name in enumerate(sorted({record.label.casefold() for record in truth}))}
    by_label = any(label.casefold() in names for label, _, _ in found)
    classes = np.array([names.get(label.casefold(), -1) for label, _, _ in found], np.int64)
    truth_classes = np.array([names[record.label.casefold()] for record in truth], np.int64)
    matched = metrics.match(
        _envelopes([box for _, _, box in found]),
        scores,
        _envelopes([record.box for record in truth]),
        OVERLAP,
        classes if by_label else None,
        truth_classes if by_label else None,
    )
    scored = metrics.Scored.of(scores, matched, len(truth))
    return Evaluation(
        overlap=OVERLAP,
        by_label=by_label,
        annotations=len(truth),
        detections=len(found),
        point=_point(scored, threshold),
        curve=[_point(scored, float(one)) for one in _CURVE],
    )


def _point(scored: metrics.Scored, threshold: float) -> OperatingPoint:
    counts = scored.counts(threshold)
    return OperatingPoint(
        threshold=threshold,
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
        true_positives=counts.true_positives,
        false_positives=counts.false_positives,
        false_negatives=counts.false_negatives,
    )


def _envelopes(boxes: list[PixelBox]) -> NDArray[np.float64]:
    """(n, 4) x0, y0, x1, y1 in pixels."""
    corners = np.array([outline(box) for box in boxes], np.float64).reshape(-1, 4, 2)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)
