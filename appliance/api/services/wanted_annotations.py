"""What a change asks an annotation to be, and whether it is so already. Pure. Called by services/annotation_edits.py."""

from __future__ import annotations

from appliance.api.services.drawn_shapes import Shape, clean_label, drawn, of_detection
from appliance.api.views.annotations import AnnotationChange
from appliance.contracts.annotation import Annotation, AnnotationRecord
from appliance.contracts.detection import Detection, PixelBox
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Item, SceneInfo

_SAME_PIXELS = 1e-4


def wanted(item: Item, scene: SceneInfo, change: AnnotationChange, seen: Detection | None) -> AnnotationRecord:
    """With what the change leaves out taken from the detection. Raises VedetteError(INVALID)."""
    label = _label(change, seen)
    box, polygon = _shape(change, scene, seen)
    return AnnotationRecord(item=item.name, label=label, box=box, polygon=polygon)


def _label(change: AnnotationChange, seen: Detection | None) -> str:
    if change.label is not None:
        # A detector's own label is taken as it is, also when it is sent back.
        return seen.label if seen is not None and change.label == seen.label else clean_label(change.label)
    if seen is None:
        raise _incomplete()
    return seen.label


def _shape(change: AnnotationChange, scene: SceneInfo, seen: Detection | None) -> Shape:
    if change.geometry is not None:
        return drawn(change.geometry, change.shape, scene)
    if seen is None:
        raise _incomplete()
    return of_detection(seen, scene)


def _incomplete() -> VedetteError:
    return VedetteError(
        Code.INVALID, "An annotation that no detection is the origin of has a label and a geometry.", "Send both."
    )


def says(present: Annotation, asked: AnnotationRecord, change: AnnotationChange) -> bool:
    """Whether it is so already."""
    if present.deleted or present.verdict is not change.verdict or present.label != asked.label:
        return False
    if (present.polygon is None) != (asked.polygon is None) or not _near(present.box, asked.box):
        return False
    mine, theirs = asked.polygon or [], present.polygon or []
    return [len(ring) for ring in mine] == [len(ring) for ring in theirs] and all(
        abs(a[0] - b[0]) <= _SAME_PIXELS and abs(a[1] - b[1]) <= _SAME_PIXELS
        for one, other in zip(mine, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def _near(a: PixelBox, b: PixelBox) -> bool:
    names = ("x", "y", "width", "height", "angle_degrees")
    return all(abs(getattr(a, name) - getattr(b, name)) <= _SAME_PIXELS for name in names)
