"""What each condition can show, as charts beside the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product

import numpy as np

from benchmarks.calibration import setting
from benchmarks.calibration.laws import SeedLaw
from benchmarks.calibration.power_tables import TrainingPower
from benchmarks.calibration.seed_spread import SeedSpread
from benchmarks.calibration.setting import ALPHA, REPLICATES, SHARE, STABILITY_MARGIN, THRESHOLD
from benchmarks.calibration.svg import Chart, Line
from titer.stats import replicates
from titer.stats.expected_sample_size import prospect
from titer.stats.power import power_noninferior, power_upheld
from titer.stats.replicates import Items

CHANCES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LOOKED_ITEMS = 600


def charts(trainings: Sequence[TrainingPower]) -> dict[str, Chart]:
    """Every chart by the name of its file."""
    drawn: Mapping[str, Callable[[], Chart]] = {
        "exposure": _exposure, "replicates": _replicates, "stability": _stability, "looks": _looks,
    }  # fmt: skip
    return {f"calibration-{name}.svg": draw() for name, draw in drawn.items()} | {
        "calibration-trainability.svg": _trainability(trainings)
    }


@cache
def _exposure() -> Chart:
    rates = np.linspace(0.02, 0.2, 37).tolist()
    kinds: tuple[Items, Items] = ("shared", "own")
    lines = [
        Line(
            name=f"{kind}, n = {items}",
            points=[(f, SeedSpread(items=items, levels=kind, rate=f, sd=0.2).apart) for f in rates],
            color=color, dash=dash,
        )
        for (color, items), (dash, kind) in product(enumerate((60, 120, 300)), enumerate(kinds))
    ]  # fmt: skip
    return Chart(
        title=f"Resistance: P(upheld) of {REPLICATES} replicates, threshold {THRESHOLD:g}, seeds differ by 0.2 logit",
        across="mean f at the dose that decides", up="P(upheld)", lines=lines, ticks=(0, 0.05, 0.1, 0.15, 0.2),
        heights=CHANCES,
    )  # fmt: skip


@cache
def _replicates() -> Chart:
    shares = np.linspace(0, 0.6, 61).tolist()
    made = [
        replicates.levels(replicates=number, share=SHARE, alpha=ALPHA, decisions=1) for number in (5, 8, 9, 12, 20, 40)
    ]
    lines = [
        Line(name=f"S = {at.replicates}, r = {at.r}", points=[(p, power_upheld(at, p)) for p in shares], color=color)
        for color, at in enumerate(made)
    ]
    return Chart(
        title="The replicate rule: P(upheld) if every replicate is read as what it is, q = 1/2",
        across="share of replicates that break", up="P(upheld)", lines=lines, ticks=(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        heights=CHANCES,
    )  # fmt: skip


@cache
def _stability() -> Chart:
    shares = np.linspace(0, 0.2, 21).tolist()
    of_method = replicates.levels(replicates=REPLICATES, share=SHARE, alpha=ALPHA, decisions=1).intact_level
    kinds = (("one task", ALPHA, 1), ("one task, five made", of_method, REPLICATES))
    lines = [
        Line(
            name=f"{said}, n = {items}",
            color=color,
            dash=dash,
            points=[(psi, _within(items, level, psi) ** made) for psi in shares],
        )
        for (color, items), (dash, (said, level, made)) in product(enumerate((100, 200, 300)), enumerate(kinds))
    ]
    return Chart(
        title=f"Stability: P(upheld) if nothing is lost, margin {STABILITY_MARGIN:g}",
        across="share of items that change", up="P(upheld)", lines=lines, ticks=(0, 0.05, 0.1, 0.15, 0.2),
        heights=CHANCES,
    )  # fmt: skip


def _within(items: int, level: float, changing: float) -> float:
    return power_noninferior(items, margin=STABILITY_MARGIN, level=level, changing=changing)


@cache
def _looks() -> Chart:
    rates = np.linspace(0, 0.6, 31).tolist()
    levels = setting.exposure_levels(domains=1, attacks=setting.ATTACKS)
    numbers: tuple[setting.Looks, ...] = (1, 3, 6)
    names = {1: "all at once", 3: "three analyses", 6: "six analyses"}
    plans = {names[number]: setting.plan(levels, number, _LOOKED_ITEMS) for number in numbers}
    lines = [
        Line(name=name, color=color, points=[(f, prospect(plan, f).asked) for f in rates])
        for color, (name, plan) in enumerate(plans.items())
    ]
    return Chart(
        title=f"Items of a dose that are asked, of {_LOOKED_ITEMS}, threshold {THRESHOLD:g}", across="f of the dose",
        up="items asked on average", lines=lines, ticks=(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        heights=(0, 100, 200, 300, 400, 500, 600), percent=False,
    )  # fmt: skip


def _trainability(found: Sequence[TrainingPower]) -> Chart:
    spreads = sorted({one.seed_sd for one in found})
    lines = [
        Line(
            name=str(SeedLaw(sd=sd)),
            color=i,
            points=sorted((one.loss, one.upheld) for one in found if one.seed_sd == sd),
        )
        for i, sd in enumerate(spreads)
    ]
    return Chart(
        title=f"Trainability: P(upheld) by the final rate of one task, {REPLICATES} seeds, margin 0.1",
        across="mean final loss", up="P(upheld)", lines=lines, ticks=(0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12),
        heights=CHANCES,
    )  # fmt: skip
