"""Which packages are to be measured on which snapshots for a list of gates, and what that says of each gate. Pure. Used by gates.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from appliance.contracts.base import Sha256
from appliance.contracts.resources.detector_spec import Gate
from appliance.contracts.resources.reports import GateMeasure, GateReport

Who = Literal["candidate", "baseline"]
Need = tuple[Who, Sha256]
"""A package and the digest of a snapshot."""
_FIGURES = {"f1": "f1@0.5", "precision": "precision@0.5", "recall": "recall@0.5", "ap": "ap", "ap50": "ap50"}
"""The figure of evaluation.py for the metric of a gate."""


def needs(gates: Sequence[Gate], baseline: bool) -> list[Need]:
    """Each once, those of a package together. The version that serves is measured only where a gate compares with it."""
    candidate: list[Need] = [("candidate", gate.snapshot) for gate in gates]
    compared: list[Need] = [("baseline", gate.snapshot) for gate in gates if baseline and _compares(gate)]
    return list(dict.fromkeys(candidate + compared))


def report(gates: Sequence[Gate], baseline: bool, figures: Mapping[Need, Mapping[str, float | int]]) -> GateReport:
    """In the order of the gates."""
    return GateReport(measures=[_measure(gate, baseline, figures) for gate in gates])


def _measure(gate: Gate, baseline: bool, figures: Mapping[Need, Mapping[str, float | int]]) -> GateMeasure:
    name = _FIGURES[gate.metric]
    before = figures["baseline", gate.snapshot][name] if baseline and _compares(gate) else None
    return GateMeasure(value=figures["candidate", gate.snapshot][name], baseline=before)


def _compares(gate: Gate) -> bool:
    return gate.max_regression is not None
