"""Settle seams as bands come in: what later bands can still change waits, the rest is final. Called by collect.py.

Candidates that conflict form groups; a group is settled as a whole once none of its members reaches ground that a later
band will look at. The outcome is that of settling everything at once, whatever the bands.
"""

from __future__ import annotations

import numpy as np

from appliance.inference.plan import Frontier
from appliance.vision.candidates import Candidates, Flags, Integers, envelopes
from appliance.vision.merge import conflicts, resolve
from appliance.vision.ownership import Placed


class Resolver:
    """Holds the candidates near seams that are not settled yet."""

    def __init__(self, overlap: float) -> None:
        self._overlap = overlap
        self._waiting: Placed | None = None

    def add(self, placed: Placed, frontier: Frontier) -> Candidates:
        """Take a band's candidates; the final ones among all taken so far that were not given before."""
        at_once = placed.candidates.take(~placed.seam)
        seams = placed.take(placed.seam)
        if self._waiting is not None:
            seams = Placed.concatenate([self._waiting, seams])
        open_now = _reaches(seams.candidates, frontier)
        first, second = conflicts(seams.candidates, self._overlap, seams.seen)
        waits = _spread(open_now, first, second)
        self._waiting = seams.take(waits)
        settled = seams.take(~waits)
        kept = resolve(settled.candidates, self._overlap, settled.seen)
        return Candidates.concatenate([at_once, settled.candidates.take(kept)])


def _reaches(candidates: Candidates, frontier: Frontier) -> Flags:
    bounds = envelopes(candidates.boxes)
    east, south = bounds[:, 2], bounds[:, 3]
    reaches: Flags = (east > frontier.next_panel) | ((south > frontier.next_row) & (east > frontier.panel))
    return reaches


def _spread(marked: Flags, first: Integers, second: Integers) -> Flags:
    """Everything connected to what is marked."""
    marked = marked.copy()
    while True:
        touched = marked[first] | marked[second]
        grown = marked.copy()
        grown[first[touched]] = True
        grown[second[touched]] = True
        if np.array_equal(grown, marked):
            return marked
        marked = grown
