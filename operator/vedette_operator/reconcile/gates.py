"""What the gates say of a version: pending, passed, or which metric failed on which snapshot. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.contracts.resources.detector_spec import Gate
from appliance.contracts.resources.detector_status import GateResult
from vedette_operator.reconcile.observed import Measure


def results(
    gates: list[Gate], candidate: str, serving: str | None, measures: Mapping[Measure, float]
) -> list[GateResult]:
    """One result for each gate. Digests of packages; `serving` None: there is nothing to fall behind."""
    return [_result(gate, candidate, serving, measures) for gate in gates]


def passed(found: list[GateResult]) -> bool:
    return all(each.state == "Passed" for each in found)


def failure(found: list[GateResult]) -> str | None:
    """The first gate that failed, as a sentence; None where none has."""
    for each in found:
        if each.state == "Failed":
            return (
                f"{each.metric} is {each.value:.4g} on snapshot {each.snapshot}, and {each.required:.4g} is required."
            )
    return None


def _result(gate: Gate, candidate: str, serving: str | None, measures: Mapping[Measure, float]) -> GateResult:
    value = measures.get((candidate, gate.snapshot, gate.metric))
    compared = gate.max_regression is not None and serving is not None
    baseline = measures.get((serving, gate.snapshot, gate.metric)) if compared and serving else None
    required = gate.minimum or 0.0
    if compared and baseline is not None:
        required = max(required, baseline - (gate.max_regression or 0.0))
    if value is None or (compared and baseline is None):
        return GateResult(snapshot=gate.snapshot, metric=gate.metric, state="Pending", value=value)
    state = "Passed" if value >= required else "Failed"
    return GateResult(snapshot=gate.snapshot, metric=gate.metric, state=state, value=value, required=max(required, 0.0))
