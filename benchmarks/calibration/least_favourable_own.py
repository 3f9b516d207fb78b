"""The least favorable laws of items of their own, and of interim analyses.

Replicates with items of their own are independent, whatever the law of harm: an upheld that is false has the chance
P(Bin(S, p (1 - c)) <= r), where c is the mean chance of overlooking a break. It is largest at p = q and the largest c,
so that nothing but the number of items is left to search.
"""

from __future__ import annotations

from functools import partial
from itertools import product

from scipy import stats

from benchmarks.calibration.least_favourable import Least, Outcome, few_hold_not, most_fail
from benchmarks.calibration.least_favourable_exposure import CLAIMS, SIZES, claim, named, overlooked, upheld_rate
from benchmarks.calibration.setting import THRESHOLD, Looks, plan
from benchmarks.calibration.tables import percent
from titer.stats.binomial import broken_cutoff
from titer.stats.expected_sample_size import errors
from titer.stats.replicates import Items, Levels


def own_items() -> list[Least]:
    """By S: the number of items; upheld by binomials, refuted at readings that exclude each other."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, "own")
        best = max(SIZES, key=partial(overlooked, at))
        rates: dict[Outcome, tuple[float, str]] = {
            "upheld": (float(few_hold_not(at, share * (1 - overlooked(at, best)))), f"n = {best}, q break"),
            "refuted": _own_refuted(at),
        }
        found += [
            Least(
                condition="exposure, own items", setting=named(at), outcome=outcome, rate=rates[outcome][0],
                searched="items 20 to 400", attained=rates[outcome][1],
            )
            for outcome in rates
        ]  # fmt: skip
    return [*found, *_bounds()]


def _bounds() -> list[Least]:
    """The largest of all claims if every reading errs with its full level."""
    every = [claim(replicates, share, "own") for share in (0.5, 0.25, 0.1) for replicates in range(5, 41)]
    sides: dict[Outcome, list[float]] = {"upheld": [], "refuted": []}
    for at in (one for one in every if one.decidable):
        sides["upheld"].append(float(few_hold_not(at, at.share * (1 - at.intact_level))))
        sides["refuted"].append(float(most_fail(at, at.share + (1 - at.share) * at.decisions * at.broken_level)))
    return [
        Least(
            condition="exposure, own items", setting="every S up to 40, q = 0.5, 0.25, 0.1", outcome=outcome,
            searched="nothing: the bound", rate=max(rates), attained="q break, each misread with its full level",
        )
        for outcome, rates in sides.items()
    ]  # fmt: skip


def _own_refuted(at: Levels) -> tuple[float, str]:
    """The largest P(refuted) over numbers of items, the readings of a replicate being independent."""

    def rate(items: int) -> float:
        cutoff = broken_cutoff(items, THRESHOLD, at.broken_level)
        each = 0.0 if cutoff is None else float(stats.binom.sf(cutoff - 1, items, THRESHOLD))
        return float(most_fail(at, at.share + (1 - at.share) * (1 - (1 - each) ** at.decisions)))

    best = max(SIZES, key=rate)
    return rate(best), f"n = {best}, {at.decisions} readings, q break"


def looks() -> list[Least]:
    """Three and six analyses, by numbers of items up to 600: the law of the harmful count followed exactly."""
    found = []
    numbers: tuple[Looks, Looks] = (3, 6)
    kinds: tuple[Items, Items] = ("shared", "own")
    for number, items in product(numbers, kinds):
        at = claim(5, 0.5, items)
        missed = {n: errors(plan(at, number, n)) for n in range(20, 601, 20)}
        n = max(missed, key=lambda n: missed[n].intact)
        each = missed[n].intact
        rate = few_hold_not(at, at.share * (1 - each)) if items == "own" else _all_common(at, each)
        found.append(
            Least(
                condition=f"exposure, {items} items", setting=f"{named(at)}, {number} analyses", outcome="upheld",
                searched="items 20 to 600", rate=float(rate),
                attained=f"n = {n}, overlooked with {percent(each, 4)} of {percent(at.intact_level, 4)}",
            )
        )  # fmt: skip
    return found


def _all_common(at: Levels, each: float) -> float:
    """P(upheld) where a share q breaks, all of them being overlooked together with that chance."""
    enough = float(few_hold_not(at, at.share))
    return enough + (1 - enough) * each


def misused() -> dict[str, float]:
    """What the levels of own items would do where items are shared after all, or partly so; no limit applies."""
    found = {}
    for replicates in (5, 8):
        at = claim(replicates, 0.5, "own")
        for common, said in ((1.0, "all items shared"), (0.1, "a tenth of the items shared")):
            rates = [float(upheld_rate(at, n, common, 0.5)) for n in range(40, 401, 5)]
            found[f"S = {replicates}, {said}"] = max(rates)
    return found
