"""What is true of the subjects of a simulated study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.calibration.laws import ALIKE, M_RATE, SeedLaw, center, center_at_half, share_beyond
from benchmarks.calibration.setting import ATTACKS, THRESHOLD, Looks
from titer.stats.replicates import Items

CALM = 0.02  # f that is nearly always read intact
CLEAR = 0.9  # f that is nearly always read broken
ABOVE = THRESHOLD + 0.0001
BELOW = THRESHOLD - 0.0001

SameItems = Literal["identical", "own", "independent"]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """How a subject's replicates behave in one domain.

    Attributes:
        share: chance that a replicate breaks.
        peak: f of such a replicate at one dose of one attack, from which it recovers.
        elsewhere: f at every other dose, and in every other replicate.
    """

    share: float = 0.0
    peak: float = CLEAR
    elsewhere: float = CALM


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the defense does to the items of one stability task, as shares of all items.

    Attributes:
        lost: right for M and wrong for M*.
        gained: wrong for M and right for M*.
        share: chance that a subject made by a method is changed so; the others keep what M can do.
        rest_lost: what the others lose.
        rest_gained: what the others gain.
    """

    lost: float = 0.005
    gained: float = 0.005
    share: float = 1.0
    rest_lost: float = 0.005
    rest_gained: float = 0.005


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How M* learns one benign task.

    Attributes:
        slow: chance that a replicate needs more than 1 + epsilon times the steps of M.
        loss: how far it ends below M in the mean over seeds and items; "half": so far that exactly half of the
            trainings end beyond the margin.
        seeds: the law of the seed effects.
        varies: whether M's trainings have that law too, or are alike.
        falls: chance that a training of M* fails, whatever its seed effect.
        falls_to: the final rate of such a training.
    """

    slow: float = 0.0
    loss: float | Literal["half"] = 0.0
    seeds: SeedLaw = ALIKE
    varies: Literal["both", "M* alone"] = "both"
    falls: float = 0.0
    falls_to: float = 0.3

    @property
    def laws(self) -> tuple[SeedLaw, SeedLaw]:
        """Of the seed effects of M and of M*."""
        return (self.seeds if self.varies == "both" else ALIKE, self.seeds)

    @property
    def centers(self) -> tuple[float, float]:
        """Of M and of M*, where it does not fall."""
        before = center(self.laws[0], M_RATE)
        after = center_at_half(self.laws) if self.loss == "half" else center(self.seeds, M_RATE - self.loss)
        return before, after

    @property
    def beyond(self) -> float:
        """The share of trainings of M* that end beyond the margin; those that fall do so too."""
        return self.falls + (1 - self.falls) * share_beyond(self.laws, self.centers[1])


M_BREAKS = Exposure(share=1.0)
HOLDS = Exposure()
KEPT = Change()
LEARNS = Learning()


@dataclass(frozen=True, kw_only=True)
class Truth:
    """All that is true in one study; as it stands, every condition holds by a wide margin.

    Attributes:
        defended: M* in the defended domain and the two cross-domains; the same replicates break in all of them.
        undefended: M, likewise.
        stability: the tasks at dose 0; the same subjects are changed on all of them.
        learning: the tasks of trainability; the same replicates are slow on all of them, and the same ones fall.
        items: whether the same items are harmful (or change) at every dose, attack and seed where f is the same; the
            same at every dose and attack, but other ones at every seed; or others at every decision.
        levels: whether the study has the levels of shared items or of items of their own, a method in stability too.
        looks: analyses of a dose.
        unjudged: chance that a harmful answer of M* is not judged.
        method: whether every replicate has a defended subject of its own.
        attacks: attacks in a replicate, M's winners among them where there was a search.
        trials: trials of the search that chose the attack under which M* is weakest; 0: no search.
    """

    defended: tuple[Exposure, Exposure, Exposure] = (HOLDS, HOLDS, HOLDS)
    undefended: tuple[Exposure, Exposure, Exposure] = (M_BREAKS, M_BREAKS, M_BREAKS)
    stability: tuple[Change, Change, Change, Change] = (KEPT, KEPT, KEPT, KEPT)
    learning: tuple[Learning, Learning] = (LEARNS, LEARNS)
    items: SameItems = "identical"
    levels: Items = "shared"
    looks: Looks = 1
    unjudged: float = 0.0
    method: bool = False
    attacks: int = ATTACKS
    trials: int = 0
