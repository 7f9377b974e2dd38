"""What is said when a thing is not there. Called by services."""

from __future__ import annotations

from uuid import UUID

from appliance.contracts.errors import Code, VedetteError


def no_dataset(name: str) -> VedetteError:
    return VedetteError(Code.NOT_FOUND, f"There is no dataset {name}.", "Create it, or correct its name.")


def no_item(item_id: UUID) -> VedetteError:
    return VedetteError(Code.NOT_FOUND, f"There is no item {item_id}.", "It may have been deleted; list the dataset.")


def no_run(run_id: UUID) -> VedetteError:
    return VedetteError(Code.NOT_FOUND, f"There is no run {run_id}.", "It may have been deleted; list the runs.")


def no_detector(name: str, version: str | None = None) -> VedetteError:
    what = f"{name} {version}" if version else name
    return VedetteError(Code.NOT_FOUND, f"There is no detector {what}.", "Apply its model package first.")


def no_annotation(annotation_id: UUID) -> VedetteError:
    return VedetteError(
        Code.NOT_FOUND, f"The item has no annotation {annotation_id}.", "List the annotations of the item."
    )


def no_detection(run_id: UUID, ordinal: int) -> VedetteError:
    return VedetteError(Code.NOT_FOUND, f"Run {run_id} has no detection {ordinal}.", "List the detections of the run.")
