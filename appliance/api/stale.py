"""The error of a change that was made on an older state. Raised by services, told by errors.py with the present state."""

from __future__ import annotations

from appliance.contracts.annotation import Annotation
from appliance.contracts.errors import Code, VedetteError


class StaleError(VedetteError):
    """Somebody else changed the annotation; `present` is what it is now, None where it is gone."""

    def __init__(self, present: Annotation | None) -> None:
        self.present = present
        if present is None:
            message = "This annotation is not there any more."
        elif present.deleted:
            message = f"{present.changed_by} has deleted this annotation."
        else:
            message = f"{present.changed_by} has changed this annotation."
        super().__init__(Code.CONFLICT, message, "Look at it as it is now, and change it again if that is needed.")
