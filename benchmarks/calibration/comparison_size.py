"""Size of the comparisons at D = -margin: Tango's test enumerated, the crossed t simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.laws import ALIKE, SeedLaw, final_answers
from benchmarks.calibration.setting import ALPHA, BoolArray, chunks, generator
from benchmarks.calibration.verdicts import cut
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


@dataclass(frozen=True, kw_only=True)
class CrossedSetting:
    """A law of final rates at D = -margin.

    Attributes:
        seeds: number of seeds.
        items: number of items.
        margin: of the comparison, and the true loss.
        law: of the seed effects.
        varies: both subjects, in logits; M* alone, in logits; or losses, where M is always right and M* errs with
            chance margin x (1 + seed effect) x item effect, 1/2 or 3/2.
    """

    seeds: int = 5
    items: int = 200
    margin: float = 0.1
    law: SeedLaw
    varies: Literal["both", "M* alone", "losses"] = "both"


@dataclass(frozen=True, kw_only=True)
class CrossedSize:
    """How often noninferior was shown, which is false, or just so."""

    at: CrossedSetting
    studies: int
    shown: int

    @property
    def passes(self) -> bool:
        """Whether the size is at most nominal, within simulation error."""
        return self.shown <= cut(self.studies, ALPHA)


_SMALL, _MIDDLE, _LARGE = SeedLaw(sd=0.1), SeedLaw(sd=0.2), SeedLaw(sd=0.4)

SETTINGS = (
    CrossedSetting(items=100, margin=0.05, law=ALIKE),
    CrossedSetting(items=100, margin=0.05, law=_SMALL),
    CrossedSetting(margin=0.05, law=_SMALL),
    CrossedSetting(margin=0.05, law=_MIDDLE),
    CrossedSetting(items=100, margin=0.05, law=_LARGE),
    CrossedSetting(law=ALIKE),
    CrossedSetting(law=_SMALL),
    CrossedSetting(law=_MIDDLE),
    CrossedSetting(seeds=10, law=_SMALL),
    CrossedSetting(seeds=10, law=_MIDDLE),
)
# Seed effects that spread the final rates widely, and so unevenly: five or ten seeds show too little of their law.
KNOWN_LARGER = (
    CrossedSetting(law=_LARGE),
    CrossedSetting(seeds=10, law=_LARGE),
    CrossedSetting(law=SeedLaw(sd=0.8)),
    CrossedSetting(law=SeedLaw(shape="skewed", sd=0.4)),
    CrossedSetting(law=SeedLaw(shape="skewed", sd=0.4), varies="M* alone"),
    CrossedSetting(law=SeedLaw(shape="two kinds", sd=0.5)),
    CrossedSetting(law=SeedLaw(shape="two kinds", sd=0.8)),
    CrossedSetting(items=100, margin=0.05, law=SeedLaw(shape="two kinds", sd=0.5), varies="losses"),
    CrossedSetting(items=100, margin=0.05, law=SeedLaw(shape="two kinds", sd=0.8), varies="losses"),
)


def crossed_size(at: CrossedSetting, studies: int) -> CrossedSize:
    """Simulate the crossed t at the boundary."""
    shown = 0
    for number, size in enumerate(chunks(studies)):
        before, after = _answers(at, size, generator("crossed", repr(at), number))
        shown += int(crossed(after, before).noninferior(at.margin, ALPHA).sum())
    return CrossedSize(at=at, studies=studies, shown=shown)


def _answers(at: CrossedSetting, studies: int, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    shape = (studies, at.seeds, at.items)
    if at.varies != "losses":
        return final_answers(rng, (at.law if at.varies == "both" else ALIKE, at.law), at.margin, shape)
    seed = 1 + at.law.draw(rng, (studies, at.seeds, 1))
    item = rng.choice([0.5, 1.5], size=(studies, 1, at.items))
    return np.ones(shape, dtype=bool), rng.random(shape) >= at.margin * seed * item
