"""What must be true at the end: pure comparisons of what the API says of two datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.contracts.detection import Detection
from appliance.contracts.item import Item, ItemState
from appliance.contracts.run import Run, RunState


@dataclass(frozen=True)
class Outcome:
    """A dataset as the API shows it; detections by run, as they are listed."""

    items: Sequence[Item]
    runs: Sequence[Run]
    detections: Mapping[str, Sequence[Detection]]

    def by_item(self) -> dict[str, list[str]]:
        """The content of every item's detections, in their order."""
        return {
            run.item_name: [one.model_dump_json(exclude={"run_id"}) for one in self.detections[str(run.id)]]
            for run in self.runs
        }


def problems(names: Sequence[str], calm: Outcome, storm: Outcome) -> list[str]:
    """Every way in which the disturbed dataset is not what it should be; none when all is well."""
    return [*_items(names, storm.items), *_runs(names, storm), *_differences(calm, storm)]


def _items(names: Sequence[str], items: Sequence[Item]) -> list[str]:
    counted = Counter(item.name for item in items)
    found = [f"{name}: {counted[name]} items instead of one" for name in names if counted[name] != 1]
    found += [f"{name}: an item nobody pushed" for name in counted if name not in set(names)]
    return found + [f"{item.name}: {item.state}, {item.reason}" for item in items if item.state is not ItemState.READY]


def _runs(names: Sequence[str], storm: Outcome) -> list[str]:
    counted = Counter(run.item_name for run in storm.runs)
    found = [f"{name}: {counted[name]} runs instead of one" for name in names if counted[name] != 1]
    for run in storm.runs:
        if run.state is not RunState.SUCCEEDED:
            found.append(f"{run.item_name}: its run is {run.state}, {run.reason}")
            continue
        listed = storm.detections[str(run.id)]
        if [one.ordinal for one in listed] != list(range(len(listed))):
            found.append(f"{run.item_name}: a detection is missing or doubled")
        if run.summary is None or run.summary.detections != len(listed):
            found.append(f"{run.item_name}: {len(listed)} detections listed, its summary says otherwise")
    return found


def _differences(calm: Outcome, storm: Outcome) -> list[str]:
    expected, found = calm.by_item(), storm.by_item()
    return [
        f"{name}: not the detections of the undisturbed run" for name in expected if found.get(name) != expected[name]
    ]
