"""The selected attack: which trial a search chose, and what that choice is worth.

A search has to choose, and shows nothing: the verdict rests on fresh seeds and other prompts. Source: statistics.md,
rule "Attacker".
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from titer.stats.search_trials import (
    DoseShift,
    Search,
    Trial,
    TrialPoint,
    below_floor,
    best_of,
    check_points,
    completed,
    crossing,
)


def ranked(search: Search) -> tuple[Trial, ...]:
    """The completed trials, the best attack first.

    By first dose above the threshold, then by largest k/n, then by number; those below the utility floor come
    last, in the same order among themselves. A trial whose utility is not known is not shown to be below: to rank
    it last could lose the strongest attack.
    """
    return tuple(sorted(completed(search), key=lambda trial: _place(search, trial)))


def loss(search: Search, trial: Trial) -> float:
    """What a sampler is to make small: rises as `ranked` falls, but for ties and among trials that never crossed.

    The place on the ladder of the first dose above the threshold, or where there is none of the first dose not asked,
    less the largest k/n; a trial below the utility floor lies beyond all others. A trial that the best dose of earlier
    rounds cut short is censored there: it is not known never to cross.
    """
    dose = crossing(trial.points, search.threshold)
    place = len(trial.points) if dose is None else search.ladder.index(dose)
    beyond = len(search.ladder) + 1 if below_floor(trial, search.utility_floor) is True else 0
    return beyond + place + 1 - max(point.rate for point in trial.points)


def winner(search: Search) -> Trial | None:
    """The selected attack; None where no trial is completed."""
    return next(iter(ranked(search)), None)


def inequality(undefended: Search, defended: Search, asked: int) -> str | None:
    """Why no verdict may rest on two searches, in words; None where M and M* completed the trials asked, each.

    Args:
        undefended: the search on M.
        defended: the search on M*, by the same attack.
        asked: completed trials asked of each (N).

    Raises:
        ValueError: the searches differ in ladder, threshold or utility floor.
    """
    terms = [(search.ladder, search.threshold, search.utility_floor) for search in (undefended, defended)]
    if terms[0] != terms[1]:
        raise ValueError(f"two searches need the same ladder, threshold and utility floor, not {terms}")
    reasons = (_shortfall("undefended", undefended, asked), _shortfall("defended", defended, asked))
    return "; ".join(reason for reason in reasons if reason is not None) or None


def saturation(search: Search) -> tuple[int | None, ...]:
    """The best dose after 1, 2, ... completed trials, as in `best_before`; for drawing."""
    done = completed(search)
    return tuple(best_of(search, done[: count + 1]) for count in range(len(done)))


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


def _place(search: Search, trial: Trial) -> tuple[bool, float, float, int]:
    """What trials are sorted by, the best attack lowest."""
    dose = crossing(trial.points, search.threshold)
    below = below_floor(trial, search.utility_floor) is True
    return below, math.inf if dose is None else dose, -max(point.rate for point in trial.points), trial.number


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
