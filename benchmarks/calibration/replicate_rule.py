"""The replicate rule with misjudged replicates, enumerated: false upheld and false refuted where they are largest.

K of S replicates are on the wrong side; each is misjudged with chance a at most. How likely the false outcome is
depends on how the misjudgments hang together: not at all (independent items), wholly (identical items), or in the worst
way there is, for which Markov's inequality gives min(1, K a / (K - r)) where more than r replicates have to be
misjudged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.calibration.setting import ALPHA, REPLICATES, SHARE, THRESHOLD
from titer.stats.binomial import at_least, at_most, intact_cutoff
from titer.stats.replicates import Levels, levels

Dependence = Literal["independent", "identical", "worst"]
DEPENDENCES: tuple[Dependence, ...] = ("independent", "identical", "worst")
SHARES = (1 / 2, 1 / 4, 1 / 10)
SIZES = range(3, 41)
DECISIONS = 28  # a' is divided by them and the misjudgments of a replicate add up again, so their number plays no part
SLACK = 1e-9  # rounding
_GRID = 25


@dataclass(frozen=True, kw_only=True)
class ReplicateErrors:
    """The largest chance of a false outcome over all shares of breaking replicates for which it is false."""

    replicates: int
    share: float
    upheld: dict[Dependence, float]
    refuted: dict[Dependence, float]

    @property
    def largest(self) -> float:
        """The largest of both outcomes and all dependences."""
        return max(*self.upheld.values(), *self.refuted.values())

    @property
    def passes(self) -> bool:
        """Whether neither exceeds alpha."""
        return self.largest <= ALPHA + SLACK


def enumerate_replicates() -> list[ReplicateErrors]:
    """Every number of replicates that can decide, for each share."""
    found = [
        levels(replicates=replicates, share=share, alpha=ALPHA, decisions=DECISIONS)
        for share in SHARES
        for replicates in SIZES
    ]
    return [replicate_errors(claim) for claim in found if claim.decidable]


def replicate_errors(claim: Levels) -> ReplicateErrors:
    """False outcomes of one claim, over a grid of shares that includes the boundary."""
    misjudged = claim.decisions * claim.broken_level
    breaking = [
        _false(p, claim.replicates, claim.intact_level, claim.r or 0) for p in np.linspace(claim.share, 1, _GRID)
    ]
    sound = [_false(p, claim.replicates, misjudged, claim.r_fail or 0) for p in np.linspace(1 - claim.share, 1, _GRID)]
    return ReplicateErrors(
        replicates=claim.replicates,
        share=claim.share,
        upheld={d: max(error[d] for error in breaking) for d in DEPENDENCES},
        refuted={d: max(error[d] for error in sound) for d in DEPENDENCES},
    )


def with_real_cutoff(items: int) -> dict[Dependence, float]:
    """False upheld of the study's own number of replicates, with f just above the threshold on so many items."""
    claim = levels(replicates=REPLICATES, share=SHARE, alpha=ALPHA, decisions=DECISIONS)
    intact = intact_cutoff(items, THRESHOLD, claim.intact_level)
    misjudged = 0.0 if intact is None else at_most(intact, items, THRESHOLD)
    return _false(SHARE, claim.replicates, misjudged, claim.r or 0)


def _false(p: float, replicates: int, misjudged: float, allowed: int) -> dict[Dependence, float]:
    """Chance that at most `allowed` replicates are judged as what they are, each on the wrong side with chance p."""
    of_wrong = [at_most(k, replicates, p) - at_most(k - 1, replicates, p) for k in range(replicates + 1)]
    return {
        dependence: sum(chance * _missed(k, misjudged, allowed, dependence) for k, chance in enumerate(of_wrong))
        for dependence in DEPENDENCES
    }


def _missed(wrong: int, misjudged: float, allowed: int, dependence: Dependence) -> float:
    """P(false outcome) if so many replicates are on the wrong side."""
    if wrong <= allowed:
        return 1.0
    if dependence == "independent":
        return at_least(wrong - allowed, wrong, misjudged)
    return misjudged if dependence == "identical" else min(1.0, wrong * misjudged / (wrong - allowed))
