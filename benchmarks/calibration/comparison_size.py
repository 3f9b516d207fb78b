"""Size of Tango's test at D = -margin, enumerated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.setting import ALPHA
from titer.stats.noninferiority import Claim
from titer.stats.tango import TIE, all_outcomes, critical_score, outcome_chances, tango_score

SLACK = 1e-5  # the grid of the critical value
LEAST = 0.04  # of noninferior; a smaller size wastes power
_LAWS_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class TangoSize:
    """The largest chance of showing a claim at its boundary, over the laws of the changes."""

    items: int
    margin: float
    claim: Claim
    size: float

    @property
    def passes(self) -> bool:
        """At most nominal; for noninferior not far below it either."""
        return self.size <= ALPHA + SLACK and (self.claim == "inferior" or self.size >= LEAST)


def tango_size(items: int, margin: float, claim: Claim) -> TangoSize:
    """Sum the trinomial over all outcomes that show the claim, at 1,200 laws on the boundary."""
    signed = margin if claim == "noninferior" else -margin
    critical = critical_score(items, signed, ALPHA)
    outcomes = all_outcomes(items)
    scores = tango_score(outcomes[:, 0], outcomes[:, 1], items, -signed)
    shown = outcomes[scores >= (np.inf if critical is None else critical - TIE)]
    top = (1 - margin) / 2
    rarer = np.sort(np.concatenate([np.geomspace(1e-6, top, 200), np.linspace(0, top, 1000)]))
    sizes = [
        outcome_chances(shown, items, some + max(0.0, -signed), some + max(0.0, signed)).sum(axis=1).max()
        for some in np.array_split(rarer, len(rarer) // _LAWS_AT_ONCE)
    ]
    return TangoSize(items=items, margin=margin, claim=claim, size=float(max(sizes)))


TANGO = tuple((items, margin) for items in (40, 100, 200, 300) for margin in (0.02, 0.05))
