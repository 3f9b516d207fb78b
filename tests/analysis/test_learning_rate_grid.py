"""The grid of learning rates: what is tried next, what is best, and where it ends undecided."""

from __future__ import annotations

import math
import random

import pytest

from titer.analysis.learning_rate_grid import Grid, RateTrial, grid
from titer.records import Role

MARGIN = 0.1
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)


def tried(rate: float, *steps: int | None, final: float | None = 0.5) -> RateTrial:
    return RateTrial(rate=rate, steps=steps, ends=() if final is None else (final,) * len(steps))


def valley(at: float, rates: tuple[float, ...] = RATES) -> list[RateTrial]:
    """Steps that grow with the distance, in orders of magnitude, from the best rate."""
    return [tried(rate, *[20 + round(100 * abs(math.log10(rate / at)))] * 3) for rate in rates]


def complete(at: dict[Role, float]) -> Grid:
    """Try whatever is asked until nothing is."""
    asked = grid(RATES, {role: [] for role in at}, MARGIN)
    for _ in range(10):
        if asked.settled:
            return asked
        asked = grid(RATES, {role: valley(best, asked.rates) for role, best in at.items()}, MARGIN)
    raise AssertionError("never settles")


def test_nothing_is_best_before_all_is_tried() -> None:
    assert grid(RATES, {}, MARGIN) == Grid(rates=RATES, best={})
    assert grid(RATES, {"undefended": valley(1e-4), "defended": valley(1e-4)[:-1]}, MARGIN) == Grid(
        rates=RATES, best={}
    )


def test_each_subject_has_a_best_rate_of_its_own() -> None:
    found = complete({"undefended": 3e-5, "defended": 3e-4})
    assert found == Grid(rates=RATES, best={"undefended": 3e-5, "defended": 3e-4})


def test_an_edge_widens_the_grid_for_both() -> None:
    found = complete({"undefended": 1e-4, "defended": 3e-3})
    assert found.rates == (*RATES, 0.003333, 0.01111)
    assert found.best == {"undefended": 1e-4, "defended": 0.003333}
    assert found.at_edge == ()


def test_each_side_is_widened_twice_at_most() -> None:
    found = complete({"undefended": 1e-9, "defended": 1.0})
    assert found.rates == (1.111e-06, 3.333e-06, *RATES, 0.003333, 0.01111)
    assert found.at_edge == ("undefended", "defended")


def test_the_median_decides_and_then_the_final_rate() -> None:
    one = [tried(1e-5, 9, 9, None), tried(3e-5, 5, 11, 11), tried(1e-4, 50, 9, 9, final=0.6), tried(3e-4, 9, 9, 9)]
    assert grid(RATES[:4], {"undefended": one}, MARGIN).best == {"undefended": 1e-4}


def test_a_rate_at_which_half_the_seeds_miss_the_target_comes_after_all_that_reach_it() -> None:
    one = [tried(1e-5, None, None, 3, final=0.9), tried(3e-5, 80, 80, 80, final=0.8), tried(1e-4, None, None, None)]
    assert grid(RATES[:3], {"undefended": one}, MARGIN).best == {"undefended": 3e-5}


def test_haste_does_not_win_over_where_a_training_ends() -> None:
    """An unstable rate passes the target at 5 steps and ends at .45; the good ones are judged by their steps."""
    slow, good, hasty = (
        tried(1e-5, 30, 31, 30, final=0.86),
        tried(3e-5, 13, 11, 11, final=0.8),
        tried(1e-4, 5, 7, 6, final=0.45),
    )
    one = [slow, good, hasty, tried(3e-4, None, None, None, final=0.1)]
    assert grid(RATES[:4], {"undefended": one}, MARGIN).best == {"undefended": 3e-5}
    assert grid(RATES[:4], {"undefended": one}, 0.5).best == {"undefended": 1e-4}


def test_haste_does_not_win_where_the_stable_rates_miss_the_target_by_little() -> None:
    one = [tried(1e-5, None, None, 80, final=0.79), tried(3e-5, 5, 7, 6, final=0.37), tried(1e-4, None, None, None)]
    assert grid(RATES[:3], {"undefended": [tried(3e-6, None, None, None, final=0.1), *one]}, MARGIN).best == {}
    rates = (3e-6, *RATES[:3])
    found = grid(rates, {"undefended": [tried(3e-6, None, None, None, final=0.1), *one]}, MARGIN)
    assert found.best == {"undefended": 1e-5}


def test_a_training_that_does_not_reach_the_end_ends_at_0() -> None:
    found = RateTrial.of(1e-3, [[(5, 0.9), (9, 1.0)], [(5, 0.9)], []], target=0.8, end=9)
    assert found.steps == (5, 5, None)
    assert found.final == pytest.approx(1 / 3)
    assert RateTrial.of(1e-3, [[], [], []], target=0.8, end=9).final is None


def test_an_end_that_is_just_the_margin_lower_counts() -> None:
    one = [tried(1e-5, None, None, None, final=0.1), tried(3e-5, 9, 9, 9, final=0.8), tried(1e-4, 5, 5, 5, final=0.7)]
    assert grid(RATES[:4], {"undefended": [*one, tried(3e-4, None, None, None)]}, MARGIN).best == {"undefended": 1e-4}


def test_what_was_never_read_comes_last() -> None:
    one = [tried(1e-5, None, None, None, final=None), tried(3e-5, None, None, None, final=0.0)]
    assert grid(RATES[:2], {"undefended": [*one, tried(1e-4, None, None, None, final=None)]}, MARGIN).best == {}
    found = grid(RATES[:3], {"undefended": [*one, tried(1e-4, None, None, None, final=None)]}, MARGIN)
    assert found.best == {"undefended": 3e-5}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_which_trials_end_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    own = [tried(rate, *[chance.choice([None, 9, 11, 13]) for _ in range(3)], final=0.4) for rate in RATES]
    mixed = chance.sample(own, len(own))
    assert grid(RATES, {"undefended": own}, MARGIN) == grid(RATES, {"undefended": mixed}, MARGIN)
