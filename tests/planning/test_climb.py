"""How a search climbs: by factors of two until two in a row are worse, on either side, and beyond the edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from titer.methods.search_space import LogRange, Options, Space
from titer.planning.search.climb import Tried, beyond_edge, climbed, next_place, widened

FULL, LORA = {"kind": "full"}, {"kind": "lora", "rank": 8}
SPACE: Space = {
    "lr": LogRange(low=1e-5, high=1e-3),
    "batch": Options(values=(4, 16, 8)),
    "trainable": Options(values=(LORA, {"kind": "lora", "rank": 16}, FULL)),
}
HAND = {"lr": 1e-4, "batch": 8, "trainable": FULL}
Truth = Callable[[Mapping[str, Any]], float | None]
"""How late a configuration breaks the subject: infinite where never, None where it is wrecked."""


def best_at(rate: float) -> Truth:
    """The later the further from the best rate; twelve times as high it wrecks; an eighth of it does nothing."""

    def truth(values: Mapping[str, Any]) -> float | None:
        doublings = math.log2(values["lr"] / rate)
        if doublings > 3.5:
            return None
        return math.inf if doublings < -3 else 1 + abs(doublings)

    return truth


def read(values: Mapping[str, Any], truth: Truth) -> Tried:
    found = truth(values)
    return Tried(values=values, known=True, wrecked=found is None, lateness=math.inf if found is None else found)


def climb_all(truth: Truth, *, space: Mapping[str, Any] = SPACE, hand: Mapping[str, Any] = HAND) -> list[Tried]:
    """All that is tried before the sampler."""
    tried = [read(hand, truth)]
    while (values := climbed(space, hand, tried) or beyond_edge(space, tried, 40)) is not None:
        assert values not in [one.values for one in tried], "the same again"
        tried.append(read(values, truth))
        assert len(tried) < 60
    return tried


def rates(tried: list[Tried], way: Mapping[str, Any]) -> list[float]:
    return [one.values["lr"] for one in tried[1:] if one.values["trainable"] == way and one.values["batch"] == 16]


@pytest.mark.parametrize("doublings", range(-3, 5))
def test_wherever_the_best_rate_lies_the_climb_ends_on_both_sides_of_it(doublings: int) -> None:
    """Four doublings above what is written, beyond the end of the space, and three below."""
    best = 1e-4 * 2.0**doublings
    tried = climb_all(best_at(best))
    for way in (FULL, LORA):
        found = rates(tried, way)
        nearest = min(found, key=lambda rate: abs(math.log(rate / best)))
        assert nearest == pytest.approx(best, rel=1e-3)
        assert max(found) > 1.4 * best
        assert min(found) < best / 1.4
    assert len(tried) <= 1 + 2 * 10 + 2


def test_a_climb_goes_up_from_what_is_written_at_the_largest_batch_for_each_way_of_training() -> None:
    tried = climb_all(best_at(4e-4))
    assert rates(tried, FULL)[:5] == rates(tried, LORA)[:5] == [1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3]
    assert [one.values["trainable"]["kind"] for one in tried[1:5]] == ["full", "lora", "full", "lora"]


def test_one_that_is_worse_by_chance_does_not_end_it() -> None:
    def truth(values: Mapping[str, Any]) -> float | None:
        return 9.0 if values["lr"] == 2e-4 else best_at(8e-4)(values)

    assert 8e-4 in rates(climb_all(truth), FULL)


def test_what_breaks_nothing_is_no_worse_until_something_breaks() -> None:
    assert max(rates(climb_all(lambda _: math.inf), FULL)) == 3.2e-3  # 8e-4 is the last within, and two beyond
    seen = {3: Tried(values={}, known=True), 4: Tried(values={}, known=True, wrecked=True)}
    assert next_place(seen, 3, 9) == 5
    assert next_place({**seen, 5: seen[4]}, 3, 9) is None


def test_a_rate_that_wrecks_is_left_downward() -> None:
    found = rates(climb_all(best_at(1.25e-5), hand={**HAND, "lr": 8e-4}), FULL)
    assert min(found) < 1.25e-5 / 1.4
    assert found[1] > found[0] > found[3]


def test_a_trial_that_still_runs_is_passed_over() -> None:
    """Two of one round do not wait for each other."""
    begun = [read(HAND, best_at(4e-4)), Tried(values={**HAND, "batch": 16})]
    assert climbed({**SPACE, "trainable": Options(values=(FULL,))}, HAND, begun) == {**HAND, "batch": 16, "lr": 2e-4}


def test_the_edges_of_rate_and_batch_move_twice_at_most() -> None:
    def more_is_better(values: Mapping[str, Any]) -> float:
        return 10 - math.log2(values["lr"] * values["batch"] / 1e-6) / 10

    tried = climb_all(more_is_better)
    assert max(one.values["lr"] for one in tried) == 3.2e-3
    assert max(one.values["batch"] for one in tried) == 40  # all the rows there are, before 64
    wider = widened(SPACE, tried)
    assert wider["lr"] == LogRange(low=1e-5, high=3.2e-3)
    assert wider["batch"] == Options(values=(4, 16, 8, 32, 40))
    assert widened(SPACE, [read({**HAND, "lr": 1.0, "batch": 640}, more_is_better)]) == SPACE


def test_an_edge_of_the_batch_at_one_row_or_at_all_is_a_natural_end() -> None:
    space: Space = {"lr": LogRange(low=1e-5, high=1e-3), "batch": Options(values=(1, 16))}
    around = [read({"lr": rate, "batch": 16}, best_at(1e-4)) for rate in (5e-5, 1e-4, 2e-4)]
    assert beyond_edge(space, around, 16) is None
    assert beyond_edge(space, around, 17) == {"lr": 1e-4, "batch": 17}
    single = [Tried(values={**one.values, "batch": 1}, known=True, lateness=one.lateness) for one in around]
    assert beyond_edge(space, single, 40) is None


def test_a_list_of_rates_is_climbed_and_goes_on_by_the_ratio_of_its_last_two() -> None:
    space = {"lr": Options(values=(1e-4, 1e-3, 3e-4))}
    tried = climb_all(lambda values: 1 / values["lr"], space=space, hand={"lr": 1e-3})
    assert [one.values["lr"] for one in tried] == pytest.approx([1e-3, 1e-3 * 10 / 3, 1e-3 * 100 / 9])


def test_a_space_without_a_rate_is_not_climbed() -> None:
    assert climbed({"kl": LogRange(low=0.1, high=1.0)}, {"kl": 0.2}, []) is None
