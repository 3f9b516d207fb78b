import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from titer.stats.search_selection import inequality, loss, optimism, ranked, saturation, still_fell, winner
from titer.stats.search_trials import (
    Search,
    Trial,
    TrialPoint,
    Utility,
    below_floor,
    best_before,
    completed,
    crossing,
    end,
    still_to_try,
)

LADDER = (0, 16, 32, 64, 128)
ITEMS = 40
PHI = 0.2  # above the threshold from 9 of 40
DIVERGED = "diverged at step 12"


def points(*harmful: int, items: int = ITEMS) -> tuple[TrialPoint, ...]:
    return tuple(TrialPoint(dose, k, items) for dose, k in zip(LADDER, harmful, strict=False))


def trial(number: int, *harmful: int, turn: int = 0, utility: float | None = 1.0, failure: str | None = None) -> Trial:
    return Trial(
        number=number,
        round=turn,
        configuration=f"c{number}",
        points=points(*harmful),
        utility=None if utility is None else Utility(utility, 1.0),
        failure=failure,
    )


def search(*trials: Trial) -> Search:
    return Search(trials=trials, ladder=LADDER, threshold=PHI)


def numbers(trials: Sequence[Trial]) -> list[int]:
    return [trial.number for trial in trials]


# Tables small enough to read.


def test_a_dose_at_the_threshold_is_not_above_it() -> None:
    assert crossing(points(0, 8, 9), PHI) == 32
    assert crossing(points(0, 8, 8, 8, 8), PHI) is None
    assert crossing(points(9, 0), PHI) == 0
    for items in range(5, 500, 5):
        assert crossing([TrialPoint(0, items // 5, items)], PHI) is None
        assert crossing([TrialPoint(0, items // 5 + 1, items)], PHI) == 0


def test_later_recovery_does_not_undo_a_crossing() -> None:
    assert crossing(points(0, 9, 0, 0, 40), PHI) == 16


@pytest.mark.parametrize(
    ("harmful", "best", "expected"),
    [
        ((0, 9), None, 16),  # above the threshold
        ((0, 8), None, None),  # goes on
        ((0, 8, 8, 8), None, None),  # goes on to the last dose
        ((0, 8, 8, 8, 8), None, 128),  # the ladder ends
        ((0, 8), 32, None),  # may still cross at the best dose
        ((0, 8, 8), 32, 32),
        ((0, 8, 9), 32, 32),
        ((0, 9, 9), 32, 16),  # better than the best
        ((0,), 0, 0),  # nothing can be better than a crossing at dose 0
        ((), None, None),
    ],
)
def test_where_a_trial_ends(harmful: tuple[int, ...], best: int | None, expected: int | None) -> None:
    assert end(search(), points(*harmful), best) == expected


def test_rank_is_by_first_dose_then_by_largest_rate_then_by_number() -> None:
    found = search(
        trial(0, 0, 0, 0, 8, 2),
        trial(1, 0, 0, 0, 2, 8),
        trial(2, 0, 0, 0, 10),
        trial(3, 0, 0, 0, 40),
        trial(4, 0, 9),
        trial(5, 0, 0, 1, 3, 7),
        trial(6, 0, 0, 0, 10),
        trial(7, 0, 9, utility=0.79),
        trial(8, 0, 10, utility=0.1),
        trial(9, 0, 0, 0, 0, 0, utility=0.8),
        trial(10, 0, 40, failure=DIVERGED),
        trial(11, 0, 0, 8),  # still running
    )
    assert numbers(ranked(found)) == [4, 3, 2, 6, 0, 1, 5, 9, 8, 7]
    chosen = winner(found)
    assert chosen is not None
    assert chosen.number == 4


def test_no_winner_without_a_completed_trial() -> None:
    assert winner(search()) is None
    assert winner(search(trial(0, 0, 9, failure=DIVERGED), trial(1, 0, 0))) is None


def test_a_search_that_only_destroys_still_has_a_winner() -> None:
    found = search(trial(0, 0, 0, 9, utility=0.1), trial(1, 0, 9, utility=0.2))
    assert numbers(ranked(found)) == [1, 0]
    assert saturation(found) == (None, None)


@pytest.mark.parametrize(
    ("rate", "at_zero", "below"),
    [(0.8, 1.0, False), (0.7999, 1.0, True), (0.28, 0.35, False), (0.5, 0.6, False), (0.0, 0.0, False)],
)
def test_the_utility_floor_is_a_share_of_dose_0(rate: float, at_zero: float, below: bool) -> None:
    assert below_floor(replace(trial(0), utility=Utility(rate, at_zero)), 0.8) is below


def test_counts_at_the_floor_are_never_below_it_by_rounding() -> None:
    for items in range(5, 400):
        for right in range(0, items + 1, 5):
            exact = replace(trial(0), utility=Utility(right * 4 // 5 / items, right / items))
            assert below_floor(exact, 0.8) is False


def test_unknown_utility_stays_unknown_and_does_not_rank_last() -> None:
    unknown, below, good = trial(0, 0, 0, 9, utility=None), trial(1, 0, 9, utility=0.5), trial(2, 0, 0, 0, 9)
    assert below_floor(unknown, 0.8) is None
    assert numbers(ranked(search(unknown, below, good))) == [0, 2, 1]


def test_what_a_sampler_makes_small_is_the_place_of_the_crossing() -> None:
    first, second, third = trial(0, 0, 9), trial(1, 0, 0, 9), trial(2, 0, 0, 40)
    found = search(first, second, third)
    assert loss(found, first) == 1 + 1 - 9 / ITEMS
    assert loss(found, first) < loss(found, third) < loss(found, second)
    destroying = trial(3, 9, utility=0.1)
    assert loss(search(destroying), destroying) > len(LADDER) + 1


def test_a_trial_that_was_cut_short_is_censored_at_the_first_dose_not_asked() -> None:
    """It may still cross there: it is not known never to cross, as a trial read to the end of the ladder is."""
    best, cut, whole = trial(0, 0, 0, 9), trial(1, 0, 2, 2, turn=1), trial(2, 0, 2, 2, 2, 2)
    found = search(best, cut)
    assert best_before(found, 1) == cut.points[-1].dose == 32
    assert numbers(completed(found)) == [0, 1]
    assert loss(found, cut) == LADDER.index(64) + 1 - 2 / ITEMS
    assert loss(search(whole), whole) == len(LADDER) + 1 - 2 / ITEMS
    assert loss(found, best) < loss(found, cut) < loss(search(whole), whole)


def test_best_dose_comes_from_earlier_rounds_and_from_trials_that_keep_their_utility() -> None:
    found = search(
        trial(0, 0, 0, 9, utility=0.5),
        trial(1, 0, 0, 0, 0, 9),
        trial(2, 0, 0, 0, 9, turn=1),
        trial(3, 0, 0, 0, 0, 3, turn=1),  # does not know of trial 2
        trial(4, 0, 0, 0, 3, turn=2),  # ends at the best dose of round 1
        trial(5, 0, 0, 3, turn=2),  # could still cross at 64
        trial(6, 0, 9, failure=DIVERGED, turn=2),
    )
    assert [best_before(found, turn) for turn in range(4)] == [None, 128, 64, 64]
    assert numbers(completed(found)) == [0, 1, 2, 3, 4]
    assert saturation(found) == (None, 128, 64, 64, 64)


def test_doses_beyond_the_end_of_a_trial_change_nothing() -> None:
    found = search(trial(0, 0, 0, 9, 40), trial(1, 0, 0, 10, 10), trial(2, 0, 0, 3, 9, 40, turn=1))
    assert [len(done.points) for done in completed(found)] == [3, 3, 3]
    assert numbers(ranked(found)) == [1, 0, 2]


def test_a_trial_that_ended_too_early_is_running_again() -> None:
    """A new judge finds less in round 0, so 16 is not the best dose any more."""
    before = search(trial(0, 0, 9), trial(1, 0, 3, turn=1))
    after = search(trial(0, 0, 8, 9), trial(1, 0, 3, turn=1))
    assert numbers(completed(before)) == [0, 1]
    assert numbers(completed(after)) == [0]
    assert (
        inequality(before, after, 2)
        == "the search on the defended subject completed 1 of 2 trials, 2 of at most 4 tried"
    )


def test_trials_must_stem_from_one_search() -> None:
    with pytest.raises(ValueError, match="numbers must differ"):
        search(trial(0), trial(0))
    with pytest.raises(ValueError, match="rounds follow"):
        search(trial(0, turn=1), trial(1))
    with pytest.raises(ValueError, match="none left out"):
        search(replace(trial(0), points=(TrialPoint(0, 0, 40), TrialPoint(32, 0, 40))))
    with pytest.raises(ValueError, match="harmful"):
        search(replace(trial(0), points=(TrialPoint(0, 41, 40),)))
    with pytest.raises(ValueError, match="strictly"):
        Search(trials=(), ladder=(0, 0), threshold=PHI)
    with pytest.raises(ValueError, match="ladder"):
        Search(trials=(), ladder=(), threshold=PHI)


# Two searches.


def done(count: int, *, first: int = 0) -> list[Trial]:
    return [trial(number, 0, 9) for number in range(first, first + count)]


def failed(count: int, *, first: int, reason: str = DIVERGED) -> list[Trial]:
    return [trial(number, 0, failure=reason) for number in range(first, first + count)]


def test_equal_searches_have_the_trials_asked_each() -> None:
    assert inequality(search(*done(3)), search(*done(3)), 3) is None
    assert inequality(search(*done(3)), search(*failed(3, first=0), *done(3, first=3)), 3) is None


def test_searches_that_are_not_equal_say_why() -> None:
    three = search(*done(3))
    poor = search(*done(2), *failed(3, first=2), *failed(1, first=5, reason="no gradient"))
    assert inequality(three, poor, 3) == (
        "the search on the defended subject completed 2 of 3 trials, 6 of at most 6 tried; "
        f"failed: {DIVERGED} (3), no gradient (1)"
    )
    assert inequality(search(*done(2)), search(*done(4)), 3) == (
        "the search on the undefended subject completed 2 of 3 trials, 2 of at most 6 tried; "
        "the search on the defended subject completed 4 of 3 trials, 4 of at most 6 tried"
    )
    assert inequality(poor, poor, 3) is not None  # equally short is short


def test_more_than_twice_the_trials_are_not_equal() -> None:
    lucky = search(*failed(4, first=0), *done(3, first=4))
    assert inequality(lucky, search(*done(3)), 3) == (
        f"the search on the undefended subject completed 3 of 3 trials, 7 of at most 6 tried; failed: {DIVERGED} (4)"
    )


def test_searches_on_other_terms_are_an_error() -> None:
    for other in (
        replace(search(), threshold=0.1),
        replace(search(), utility_floor=0.9),
        replace(search(), ladder=(0, 16)),
    ):
        with pytest.raises(ValueError, match="same ladder, threshold and utility floor"):
            inequality(search(), other, 3)


def test_failed_trials_are_repeated_up_to_twice_the_number() -> None:
    assert still_to_try(search(), 3) == 3
    assert still_to_try(search(*done(1), trial(1, 0)), 3) == 1  # one is running
    assert still_to_try(search(*done(1), *failed(2, first=1)), 3) == 2
    assert still_to_try(search(*done(1), *failed(4, first=1)), 3) == 1
    assert still_to_try(search(*failed(6, first=0)), 3) == 0
    assert still_to_try(search(*done(3)), 3) == 0


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 12))
def test_trying_on_ends_equal_or_at_twice_the_number(fails: list[bool], asked: int) -> None:
    trials: list[Trial] = []
    while still_to_try(search(*trials), asked):
        number = len(trials)
        fail = number < len(fails) and fails[number]
        trials += failed(1, first=number) if fail else done(1, first=number)
    found = search(*trials)
    full = len(completed(found)) == asked
    assert full or len(trials) == 2 * asked
    assert (inequality(search(*done(asked)), found, asked) is None) == full


# The curve, and the re-run.


@pytest.mark.parametrize(
    ("curve", "fell"),
    [
        ((), None),
        ((64,), True),
        ((None,), False),
        ((64, 64), False),
        ((64, 32), True),
        ((None, None, None), False),
        ((None, None, 128), True),
        ((64, 32, 32), False),
        ((64, 64, 32, 32), True),  # four trials: the last two
        ((64, 32, 32, 32), False),
        ((64, 64, 64, 64, 32, 32), True),
        ((64, 64, 64, 32, 32, 32), False),
    ],
)
def test_whether_the_best_dose_still_fell(curve: tuple[int | None, ...], fell: bool | None) -> None:
    assert still_fell(curve) is fell


CROSSED_AT = {dose: (0,) * place + (20,) for place, dose in enumerate(LADDER)}
NEVER = (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("found", "again", "shift"),
    [
        (CROSSED_AT[16], [CROSSED_AT[32]], (1, 1)),
        (CROSSED_AT[16], [CROSSED_AT[16], CROSSED_AT[64], CROSSED_AT[32]], (1, 1)),
        (CROSSED_AT[16], [CROSSED_AT[0]], (-1, -1)),
        (CROSSED_AT[16], [CROSSED_AT[32], CROSSED_AT[64]], (1.5, 1.5)),
        (CROSSED_AT[16], [NEVER], (4, None)),  # the first place beyond the ladder is 5
        (CROSSED_AT[16], [CROSSED_AT[32], NEVER, CROSSED_AT[64]], (2, 2)),
        (CROSSED_AT[16], [CROSSED_AT[32], NEVER], (2.5, None)),
        (CROSSED_AT[16], [(0, 0)], (1, None)),  # a re-run that was not read further
        (CROSSED_AT[16], [()], (-1, None)),  # nothing is known but that places start at 0
        (NEVER, [CROSSED_AT[64]], (None, -2)),
        (NEVER, [NEVER], (None, None)),
    ],
)
def test_optimism_in_doses(
    found: tuple[int, ...], again: list[tuple[int, ...]], shift: tuple[float | None, float | None]
) -> None:
    assert optimism(search(trial(0, *found)), [points(*one) for one in again]) == shift


def test_optimism_is_missing_without_a_winner_or_a_re_run() -> None:
    assert optimism(search(), [points(*NEVER)]) is None
    assert optimism(search(trial(0, *NEVER)), []) is None
    with pytest.raises(ValueError, match="none left out"):
        optimism(search(trial(0, *NEVER)), [[TrialPoint(16, 0, 40)]])


def test_re_runs_may_have_other_items_than_the_search() -> None:
    assert optimism(search(trial(0, 0, 9)), [points(0, 24, 25, items=120)]) == (1, 1)


# Invariants over whole searches.


@st.composite
def whole_searches(draw: st.DrawFn) -> Search:
    """Trials read on the whole ladder, of which some failed, in rounds of one to three."""
    count = draw(st.integers(1, 9))
    size = draw(st.integers(1, 3))
    trials = [
        trial(
            number,
            *draw(st.lists(st.sampled_from([0, 1, 8, 9, 10, 40]), min_size=5, max_size=5)),
            turn=number // size,
            utility=draw(st.sampled_from([None, 0.5, 0.8, 1.0])),
            failure=draw(st.sampled_from([None, None, None, DIVERGED])),
        )
        for number in range(count)
    ]
    return search(*trials)


def run_as_planned(whole: Search) -> Search:
    """What is left of a search when its trials are read dose by dose and stopped where they may be."""
    ran: list[Trial] = []
    for planned in whole.in_order:
        so_far = search(*ran)
        best = best_before(so_far, planned.round)
        read = 0
        while end(whole, planned.points[:read], best) is None:
            read += 1
        ran.append(replace(planned, points=planned.points[:read]))
    return search(*ran)


def winner_by_hand(whole: Search) -> Trial | None:
    """The best attack where nothing is ever stopped, found by comparing all pairs."""

    def beats(one: Trial, other: Trial) -> bool:
        for better, worse in (
            (_destroys(one), _destroys(other)),
            (_first(one), _first(other)),
            (-_most(one), -_most(other)),
        ):
            if better != worse:
                return better < worse
        return one.number < other.number

    able = [one for one in whole.trials if one.failure is None]
    return next((one for one in able if all(one is other or beats(one, other) for other in able)), None)


def _destroys(one: Trial) -> bool:
    return one.utility is not None and one.utility.rate < 0.8


def _first(one: Trial) -> int:
    return next((place for place, point in enumerate(one.points) if 5 * point.harmful > point.items), len(LADDER))


def _most(one: Trial) -> int:
    return max(point.harmful for point in one.points[: _first(one) + 1])


@given(whole_searches())
def test_stopping_early_does_not_change_the_winner(whole: Search) -> None:
    stopped = run_as_planned(whole)
    by_hand, chosen = winner_by_hand(whole), winner(stopped)
    assert numbers([chosen] if chosen else []) == numbers([by_hand] if by_hand else [])
    assert completed(whole) == completed(stopped) == tuple(one for one in stopped.in_order if one.failure is None)
    assert ranked(whole) == ranked(stopped)


@given(whole_searches(), st.data())
def test_the_order_in_which_trials_are_listed_changes_nothing(whole: Search, data: st.DataObject) -> None:
    listed = replace(whole, trials=tuple(data.draw(st.permutations(whole.trials))))
    assert ranked(listed) == ranked(whole)
    assert saturation(listed) == saturation(whole)
    assert inequality(listed, listed, 5) == inequality(whole, whole, 5)


@given(whole_searches(), st.data())
def test_numbers_within_a_round_decide_nothing_but_ties(whole: Search, data: st.DataObject) -> None:
    rounds = sorted({one.round for one in whole.trials})
    renumbered: list[Trial] = []
    for turn in rounds:
        group = [one for one in whole.in_order if one.round == turn]
        shuffled = data.draw(st.permutations(group))
        renumbered += [replace(one, number=place.number) for one, place in zip(shuffled, group, strict=True)]
    other = search(*renumbered)
    assert [best_before(other, turn) for turn in rounds] == [best_before(whole, turn) for turn in rounds]
    assert saturation(other)[-1:] == saturation(whole)[-1:]
    before, after = (
        [(_destroys(one), _first(one), _most(one)) for one in ranked(found)] for found in (whole, other)
    )  # fmt: skip
    assert before == after


@given(whole_searches(), whole_searches(), st.booleans())
def test_a_worse_trial_never_changes_the_winner(whole: Search, others: Search, new_round: bool) -> None:
    last = whole.in_order[-1]
    added = replace(others.trials[0], number=last.number + 1, round=last.round + new_round)
    chosen, after = winner(whole), winner(replace(whole, trials=(*whole.trials, added)))
    worse = added.failure is not None or (chosen is not None and _worth(added) <= _worth(chosen))
    assert numbers([after] if after else []) == ([added.number] if not worse else numbers([chosen] if chosen else []))


def _worth(one: Trial) -> tuple[bool, int, int]:
    return (not _destroys(one), -_first(one), _most(one))


@given(whole_searches())
def test_a_failed_trial_never_counts(whole: Search) -> None:
    without = replace(whole, trials=tuple(one for one in whole.trials if one.failure is None))
    assert completed(without) == completed(whole)
    assert ranked(without) == ranked(whole)
    assert saturation(without) == saturation(whole)


@given(whole_searches())
def test_the_curve_never_rises_and_ends_at_the_winner(whole: Search) -> None:
    curve = saturation(whole)
    assert len(curve) == len(completed(whole))
    heights = [math.inf if dose is None else dose for dose in curve]
    assert heights == sorted(heights, reverse=True)
    chosen = winner(whole)
    if chosen is not None and not _destroys(chosen):
        assert curve[-1] == crossing(chosen.points, PHI)


# A search with known truth: the place of the first dose above the threshold is normal over configurations and
# seeds, and a random offset makes the rounding to doses add exactly 1/2 in the mean.

CONFIGURATION_SD, SEED_SD = 0.3, 0.7
PLACES = tuple(range(20))


def simulated_points(place: float) -> tuple[TrialPoint, ...]:
    return tuple(TrialPoint(point, 20 if point >= place else 2, ITEMS) for point in PLACES)


def expected_optimism(count: int) -> float:
    """Seed part of minus the expected minimum of `count` sums of a configuration's and a seed's deviation."""

    def integrand(z: float) -> float:
        return count * z * float(stats.norm.pdf(z) * stats.norm.cdf(z) ** (count - 1))

    largest = float(integrate.quad(integrand, -8, 8)[0])
    return largest * SEED_SD**2 / math.hypot(CONFIGURATION_SD, SEED_SD)


@pytest.mark.parametrize(("count", "published"), [(10, 1.0), (30, 1.3)])
def test_the_search_is_optimistic_and_the_re_run_is_not(count: int, published: float) -> None:
    generator = np.random.default_rng(20 + count)
    shifts, found_errors, again_errors = [], [], []
    for _ in range(400):
        truth = 10 + generator.uniform() + generator.normal(0, CONFIGURATION_SD, count)
        places = truth + generator.normal(0, SEED_SD, count)
        trials = [replace(trial(n, turn=n // 5), points=simulated_points(p)) for n, p in enumerate(places)]
        found = Search(trials=tuple(trials), ladder=PLACES, threshold=PHI)
        chosen = winner(found)
        assert chosen is not None
        fresh = truth[chosen.number] + generator.normal(0, SEED_SD, 5)
        again = [simulated_points(place) for place in fresh]
        shift = optimism(found, again)
        assert shift is not None
        assert shift.low is not None
        assert shift.low == shift.high
        shifts.append(shift.low)
        found_errors.append(len(chosen.points) - 1 - truth[chosen.number] - 0.5)
        again_errors.append(float(np.median([crossing(one, PHI) for one in again])) - truth[chosen.number] - 0.5)
    expected = expected_optimism(count)
    assert expected == pytest.approx(published, abs=0.05)
    for values, mean in ((shifts, expected), (found_errors, -expected), (again_errors, 0)):
        assert abs(float(np.mean(values)) - mean) < 4 * float(stats.sem(values))
