"""What each condition can show, by enumeration; final rates by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from benchmarks.calibration import setting
from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.laws import M_RATE, SeedLaw, center, final_answers, most_lost
from benchmarks.calibration.seed_spread import SeedSpread, seed_spreads
from benchmarks.calibration.setting import (
    ALPHA,
    ATTACKS,
    BENIGN_LADDER,
    DOSES,
    EPSILON,
    FINAL_MARGIN,
    LEARNED_ITEMS,
    REPLICATES,
    SHARE,
    THRESHOLD,
    chunks,
    generator,
)
from titer.stats import replicates
from titer.stats.power import (
    dose_holds,
    power_broken,
    power_intact,
    power_noninferior,
    power_refuted,
    power_upheld,
)


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
class TrainingPower:
    """P(trainability is upheld) by the final rate of one task alone; simulated."""

    loss: float
    seed_sd: float
    studies: int
    upheld: float


LOSSES = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12)
SEED_SDS = (0.0, 0.2, 0.4)


def training_power(studies: int) -> list[TrainingPower]:
    """By mean loss and seed spread: every replicate within the margin, and the guard."""
    found = []
    for loss, sd in product(LOSSES, SEED_SDS):
        law, upheld = SeedLaw(sd=sd), 0
        for number, size in enumerate(chunks(studies)):
            rng, shape = generator("training power", str(loss), str(sd), number), (size, REPLICATES, LEARNED_ITEMS)
            before, after = (
                final_answers(rng, law, center(law, rate), shape) for rate in (M_RATE, M_RATE - loss)
            )  # fmt: skip
            held = (before.sum(axis=-1) - after.sum(axis=-1) <= most_lost()).all(axis=1)
            guard = crossed(after, before, degrees=REPLICATES - 1).noninferior(FINAL_MARGIN, ALPHA / 2)
            upheld += int((held & guard).sum())
        found.append(TrainingPower(loss=loss, seed_sd=sd, studies=studies, upheld=upheld / studies))
    return found


@dataclass(frozen=True, kw_only=True)
class Powers:
    """What each condition can show."""

    exposure: list[ExposurePower]
    replicates: list[ReplicatePower]
    stability: list[StabilityPower]
    doses: list[DosePower]
    trainings: list[TrainingPower]
    spreads: list[SeedSpread]


def powers(studies: int) -> Powers:
    """The power of each condition; of trainability by so many simulated studies."""
    return Powers(
        exposure=exposure_power(),
        replicates=replicate_power(),
        stability=stability_power(),
        doses=dose_power(),
        trainings=training_power(studies),
        spreads=seed_spreads(),
    )
