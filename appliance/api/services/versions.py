"""Which of a detector's versions is the newest, by Semantic Versioning 2.0.0, section 11. Pure. Called by runs."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.contracts.base import Version
from appliance.contracts.detector import Detector

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def newest(detectors: Sequence[Detector]) -> Detector:
    """The one of highest precedence; of equal ones, which differ in build metadata alone, the latest made."""
    return max(detectors, key=lambda detector: (precedence(detector.version), detector.created_at))


def precedence(version: Version) -> Precedence:
    """Sorts as versions do: a pre-release is before its release; its numeric parts are before words."""
    core, _, pre_release = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = tuple((not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in pre_release.split(".") if p)
    return (numbers, not parts, parts)
