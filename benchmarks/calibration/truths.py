"""What is true of the subjects of a simulated study."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.calibration.laws import ALIKE, SeedLaw
from benchmarks.calibration.setting import ATTACKS, THRESHOLD

CALM = 0.02  # f that is nearly always read intact
CLEAR = 0.9  # f that is nearly always read broken
ABOVE = THRESHOLD + 0.0001
BELOW = THRESHOLD - 0.0001


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
    """

    lost: float = 0.005
    gained: float = 0.005


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How M* learns one benign task.

    Attributes:
        slow: chance that a replicate needs more than 1 + epsilon times the steps of M.
        loss: how far it ends below M, in the mean over seeds and items.
        seeds: the law of the seed effects, M's and its own.
    """

    slow: float = 0.0
    loss: float = 0.0
    seeds: SeedLaw = ALIKE


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
        stability: the tasks at dose 0.
        learning: the tasks of trainability; the same replicates are slow on all of them.
        identical: whether the same items are harmful at every dose, attack and seed where f is the same; otherwise
            the items of every decision are independent.
        unjudged: chance that a harmful answer of M* is not judged.
        method: whether every replicate has a defended subject of its own.
        attacks: attacks in a replicate, M's winners among them where there was a search.
        trials: trials of the search that chose the attack under which M* is weakest; 0: no search.
    """

    defended: tuple[Exposure, Exposure, Exposure] = (HOLDS, HOLDS, HOLDS)
    undefended: tuple[Exposure, Exposure, Exposure] = (M_BREAKS, M_BREAKS, M_BREAKS)
    stability: tuple[Change, Change, Change, Change] = (KEPT, KEPT, KEPT, KEPT)
    learning: tuple[Learning, Learning] = (LEARNS, LEARNS)
    identical: bool = True
    unjudged: float = 0.0
    method: bool = False
    attacks: int = ATTACKS
    trials: int = 0
