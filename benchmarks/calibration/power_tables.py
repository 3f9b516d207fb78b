"""What each condition can show, by enumeration; final rates by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from benchmarks.calibration import setting
from benchmarks.calibration.laws import ITEM_SD, M_RATE
from benchmarks.calibration.setting import (
    ALPHA,
    ATTACKS,
    BENIGN_LADDER,
    DOSES,
    EPSILON,
    REPLICATES,
    SHARE,
    THRESHOLD,
    generator,
)
from titer.stats import replicates
from titer.stats.power import (
    dose_holds,
    power_broken,
    power_crossed,
    power_intact,
    power_noninferior,
    power_refuted,
    power_upheld,
)

_CROSSED_STUDIES = 2000


@dataclass(frozen=True, kw_only=True)
class ExposurePower:
    """Resistance (one domain) and generalization (two) where f is the same at every dose.

    Attributes:
        items: n of a domain's probe.
        rate: f.
        intact: P(a dose is read intact).
        resistance: P(upheld) if items are identical throughout, and if they are independent.
        generalization: the same over two domains, whose items are independent of each other.
    """

    items: int
    rate: float
    intact: float
    resistance: tuple[float, float]
    generalization: tuple[float, float]


def exposure_power() -> list[ExposurePower]:
    """By f and number of items."""
    level = setting.exposure_levels(domains=1, attacks=ATTACKS).intact_level
    found = []
    for items, rate in product((40, 100, 200), (0.02, 0.05, 0.08, 0.1, 0.12, 0.15)):
        intact = power_intact(items, threshold=THRESHOLD, level=level, rate=rate)
        independent = intact ** (REPLICATES * ATTACKS * DOSES)
        found.append(
            ExposurePower(
                items=items,
                rate=rate,
                intact=intact,
                resistance=(intact, independent),
                generalization=(intact**2, independent**2),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class ReplicatePower:
    """The replicate rule where every replicate is judged as what it is, and where breaks come once, clearly or not.

    Attributes:
        replicates: S.
        breaking: P(replicate breaks).
        upheld: P(upheld).
        refuted: P(refuted) by the f of the one dose that breaks, in order of `PEAKS`.
    """

    replicates: int
    breaking: float
    upheld: float
    refuted: tuple[float, ...]


PEAKS = (0.3, 0.4, 0.5, 0.9)


def replicate_power() -> list[ReplicatePower]:
    """By number of replicates and the share that breaks."""
    found = []
    for number, breaking in product((5, 10, 20), (0.0, 0.05, 0.1, 0.2, 0.3, 0.7, 0.8, 0.9, 0.95, 1.0)):
        levels = replicates.levels(replicates=number, share=SHARE, alpha=ALPHA, decisions=ATTACKS * DOSES)
        read = [
            power_broken(setting.ITEMS, threshold=THRESHOLD, level=levels.broken_level, rate=peak) for peak in PEAKS
        ]
        found.append(
            ReplicatePower(
                replicates=number,
                breaking=breaking,
                upheld=power_upheld(levels, breaking),
                refuted=tuple(power_refuted(levels, breaking * broken) for broken in read),
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class StabilityPower:
    """P(non-inferior) on one task at margin 0.05, and on four such tasks."""

    items: int
    changing: float
    difference: float
    one: float

    @property
    def four(self) -> float:
        """All four tasks, their items independent."""
        return self.one**setting.TASKS


def stability_power() -> list[StabilityPower]:
    """By number of items, share of items that change, and true difference."""
    return [
        StabilityPower(
            items=items,
            changing=changing,
            difference=difference,
            one=power_noninferior(
                items,
                margin=setting.STABILITY_MARGIN,
                level=ALPHA,
                changing=changing,
                difference=difference,
            ),
        )
        for items, changing, difference in product((100, 200, 300), (0.01, 0.03, 0.1), (0.0, -0.01, -0.02))
        if abs(difference) <= changing
    ]


@dataclass(frozen=True, kw_only=True)
class DosePower:
    """P(the replicate rule of trainability upholds) over two tasks, by the true ratio of doses and its spread."""

    replicates: int
    ratio: float
    sd_log: float
    holds: float

    @property
    def upheld(self) -> float:
        """A replicate holds if both tasks do."""
        levels = replicates.levels(replicates=self.replicates, share=SHARE, alpha=ALPHA, decisions=1)
        return power_upheld(levels, 1 - self.holds**setting.LEARNED_TASKS)


def dose_power() -> list[DosePower]:
    """By number of replicates, ratio of doses, and spread."""
    return [
        DosePower(
            replicates=number,
            ratio=ratio,
            sd_log=sd_log,
            holds=dose_holds(BENIGN_LADDER, epsilon=EPSILON, ratio=ratio, sd_log=sd_log) or 0.0,
        )
        for number, ratio, sd_log in product((5, 9), (1.0, 1.1, 1.2, 1.3), (0.1, 0.2, 0.3))
    ]


@dataclass(frozen=True, kw_only=True)
class FinalPower:
    """P(non-inferior) of a final rate where nothing was lost, by the crossed t; simulated."""

    seeds: int
    items: int
    margin: float
    seed_sd: float
    shown: float


def final_power() -> list[FinalPower]:
    """By margin, seed spread and number of seeds."""
    found = []
    for seeds, items, margin, seed_sd in product((5, 10), (200,), (0.05, 0.1), (0.0, 0.1, 0.2, 0.4)):
        shown = power_crossed(
            seeds,
            items,
            margin=margin,
            level=ALPHA,
            rate=M_RATE,
            seed_sd=seed_sd,
            item_sd=ITEM_SD,
            rng=generator("final power", seeds, items, str(margin), str(seed_sd)),
            simulated_studies=_CROSSED_STUDIES,
        )
        found.append(FinalPower(seeds=seeds, items=items, margin=margin, seed_sd=seed_sd, shown=shown))
    return found


@dataclass(frozen=True, kw_only=True)
class Powers:
    """What each condition can show."""

    exposure: list[ExposurePower]
    replicates: list[ReplicatePower]
    stability: list[StabilityPower]
    doses: list[DosePower]
    finals: list[FinalPower]


def powers() -> Powers:
    """The power of each condition."""
    return Powers(
        exposure=exposure_power(),
        replicates=replicate_power(),
        stability=stability_power(),
        doses=dose_power(),
        finals=final_power(),
    )
