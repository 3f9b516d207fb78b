"""The selected attack: which trial a search chose, and what that choice is worth.

A search has to choose, and shows nothing: the verdict rests on fresh seeds and other prompts (docs/decisions/0014).
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from titer.stats.search.points import TrialPoint, check_points, crossing
from titer.stats.search.trials import FINALISTS, Rerun, Search, Trial, completed, distinct, fault_of, lateness, leaders


class DoseShift(NamedTuple):
    """A difference in doses of a ladder, in [low, high]; an end that is not known is None."""

    low: float | None
    high: float | None


def ranked(search: Search) -> tuple[Trial, ...]:
    """The completed trials, the earliest crossing first, ties by number; those that do not count come last.

    Of each configuration it is the first. One whose sham was not run is not shown not to count: it never was among the
    best.
    """
    return tuple(sorted(distinct(completed(search)), key=lambda trial: (loss(search, trial), trial.number)))


def loss(search: Search, trial: Trial) -> float:
    """What a sampler is to make small: `lateness`, and for a trial that does not count beyond that of all others."""
    beyond = 0.0 if fault_of(search, trial) is None else 1 + 2 * math.log1p(search.ladder[-1])
    return beyond + lateness(search, trial.points)


def finalists(search: Search) -> tuple[Trial, ...]:
    """The best three trials, of those that count; where none of these crossed, of those that did, if any.

    They are of three configurations. A search that only destroys has a winner: a trial that does nothing counts, and is
    no attack.
    """
    best, crossed = leaders(search, completed(search)), _crossed(search, ranked(search))
    return (best if _crossed(search, best) else crossed[:FINALISTS]) or best or ranked(search)[:FINALISTS]


def _crossed(search: Search, trials: Sequence[Trial]) -> tuple[Trial, ...]:
    return tuple(trial for trial in trials if crossing(trial.points, search.threshold) is not None)


def runs_of(search: Search, trial: Trial) -> tuple[Trial | Rerun, ...]:
    """A trial on every search seed that it was run on, its own first.

    A seed at which nothing was read is none of them: there the subject could not be made, which tells nothing of the
    attack.
    """
    return (trial, *(rerun for rerun in search.reruns if rerun.trial == trial.number and rerun.points))


def median_lateness(search: Search, trial: Trial) -> float:
    """The median of how late a trial broke on the seeds that it was run on; never, where it failed on one."""
    return median(
        math.inf
        if run.failure is not None and crossing(run.points, search.threshold) is None
        else lateness(search, run.points)
        for run in runs_of(search, trial)
    )


def winner(search: Search) -> Trial | None:
    """The selected attack: the finalist whose median over the search seeds is least, of equal ones the first in rank.

    None where no trial is completed.
    """
    return min(finalists(search), key=lambda trial: median_lateness(search, trial), default=None)


def at_first_dose(search: Search) -> bool:
    """Whether the winner crossed at the first dose above 0, where the ladder can tell no stronger attack from it."""
    best = winner(search)
    first = next(dose for dose in search.ladder if dose > 0)
    return best is not None and crossing(best.points, search.threshold) == first


def inequality(undefended: Search, defended: Search, asked: int) -> str | None:
    """Why no verdict may rest on two searches, in words; None where M and M* completed the trials asked, each.

    Args:
        undefended: the search on M.
        defended: the search on M*, by the same attack.
        asked: completed trials asked of each (N).

    Raises:
        ValueError: the searches differ in ladder, threshold or the use of shams.
    """
    terms = [(search.ladder, search.threshold, search.shams) for search in (undefended, defended)]
    if terms[0] != terms[1]:
        raise ValueError(f"two searches need the same ladder, threshold and use of shams, not {terms}")
    reasons = (_shortfall("undefended", undefended, asked), _shortfall("defended", defended, asked))
    return "; ".join(reason for reason in reasons if reason is not None) or None


def saturation(search: Search) -> tuple[int | None, ...]:
    """After 1, 2, ... completed trials the least dose at which one of those that count crossed; for drawing."""
    best: int | None = None
    curve: list[int | None] = []
    for trial in completed(search):
        dose = crossing(trial.points, search.threshold)
        if dose is not None and fault_of(search, trial) is None:
            best = dose if best is None else min(best, dose)
        curve.append(best)
    return tuple(curve)


def still_fell(curve: Sequence[int | None]) -> bool | None:
    """Whether the best dose still fell in the last third of the trials, rounded up; None without trials.

    Args:
        curve: as `saturation` gives it. A first crossing is a fall.

    >>> still_fell([64, 64, 32]), still_fell([64, 32, 32]), still_fell([None, None, 64])
    (True, False, True)
    """
    if not curve:
        return None
    before = len(curve) * 2 // 3
    return (curve[before - 1] if before else None) != curve[-1]


def optimism(search: Search, reruns: Sequence[Sequence[TrialPoint]]) -> DoseShift | None:
    """The re-run value of the winner minus its search value, in doses of the ladder; above 0: optimistic.

    Either value is the place of the first dose above the threshold; that of the re-runs is their median. One that
    did not cross lies at the first dose not asked or beyond, so an end of the difference is not known. None where
    there is no winner or no re-run.

    Args:
        search: the search that chose the winner.
        reruns: the doses of each re-run of the winner on a fresh seed, from the first of the ladder on.

    Raises:
        ValueError: the doses of a re-run are not the first ones of the ladder.
    """
    chosen = winner(search)
    if chosen is None or not reruns:
        return None
    for points in reruns:
        check_points(points, search.ladder)
    found = _point_places(search, chosen.points)
    again = [_point_places(search, points) for points in reruns]
    low = median(low for low, _ in again) - found[1]
    high = median(high for _, high in again) - found[0]
    return DoseShift(low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def _point_places(search: Search, points: Sequence[TrialPoint]) -> tuple[float, float]:
    """Lowest and highest place on the ladder at which the first dose above the threshold can be."""
    dose = crossing(points, search.threshold)
    if dose is None:
        return len(points), math.inf
    return search.ladder.index(dose), search.ladder.index(dose)


def _shortfall(subject: str, search: Search, asked: int) -> str | None:
    done, tried = len(completed(search)), len(search.trials)
    if done == asked and tried <= 2 * asked:
        return None
    failures = Counter(trial.failure for trial in search.in_order if trial.failure is not None)
    reasons = ", ".join(f"{reason} ({times})" for reason, times in failures.most_common())
    failed = f"; failed: {reasons}" if reasons else ""
    counts = f"{done} of {asked} trials, {tried} of at most {2 * asked} tried"
    return f"the search on the {subject} subject completed {counts}{failed}"
