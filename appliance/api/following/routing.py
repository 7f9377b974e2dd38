"""Which version of a followed detector an item gets. Pure; called by services/queueing.py.

An item belongs to the canary or to the version that serves by its identifier alone, so that every process and every attempt
says the same. As the share grows, items join the canary and none leaves it.
"""

from __future__ import annotations

import hashlib

from appliance.api.following.said import Followed, Package
from appliance.contracts import where
from appliance.contracts.base import ItemId, Name
from appliance.contracts.errors import VedetteError
from appliance.contracts.item import SceneInfo


def share(item_id: ItemId) -> int:
    """0 to 99, evenly."""
    return int.from_bytes(hashlib.sha256(item_id.bytes).digest()[:8], "big") % 100


def version_for(detector: Followed, item_id: ItemId) -> Package | None:
    """None while nothing serves."""
    if detector.canary is not None and share(item_id) < detector.canary_percent:
        return detector.canary
    return detector.serving


def wants(detector: Followed, dataset: Name, scene: SceneInfo) -> bool:
    """Whether an item of this dataset gets a run by itself. An expression that is not understood asks for nothing: the
    operator says so in a condition."""
    if detector.suspended:
        return False
    return any(each.dataset == dataset and _met(each.where, scene) for each in detector.subscriptions)


def _met(text: str | None, scene: SceneInfo) -> bool:
    if text is None:
        return True
    try:
        return where.parse(text).matches(where.of_scene(scene))
    except VedetteError:
        return False
