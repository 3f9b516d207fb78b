"""The cheapest plan: it decides as wanted, costs more nearer the threshold, and is none where none decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from titer.stats.cheapest_plan import ITEMS, StudyGoal, StudySize, chance, cheapest_plan, items_could_decide
from titer.stats.rate_law import RateLaw
from titer.stats.replicates import Items
from titer.stats.verdict_power import replicate_power

GOAL = StudyGoal(threshold=0.2, share=0.5, alpha=0.05, decisions=3, doses=3)


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_the_nearer_the_threshold_the_dearer(kind: Items) -> None:
    found = [cheapest_plan(GOAL, RateLaw(rate=rate), "upheld", kind) for rate in (0.03, 0.06, 0.09, 0.12)]
    costs = [one.answers for one in found if one is not None]
    assert len(costs) == 4
    assert costs == sorted(costs)
    for one, rate in zip(found, (0.03, 0.06, 0.09, 0.12), strict=True):
        assert one is not None
        assert one.power >= 0.8
        assert one.power == chance(GOAL, one.size, RateLaw(rate=rate), "upheld")
        asked = replicate_power(one.size.plan(GOAL)[0], RateLaw(rate=rate)).asked
        assert one.answers == pytest.approx(one.size.replicates * 3 * asked)


def test_no_plan_of_own_items_that_is_tried_costs_less() -> None:
    law = RateLaw(rate=0.1)
    best = cheapest_plan(GOAL, law, "upheld", "own")
    assert best is not None
    for replicates in GOAL.sizes:
        for items in ITEMS:
            for analyses in (1, 3, 6):
                size = StudySize(replicates=replicates, items=items, kind="own", analyses=analyses)
                cost = replicates * 3 * replicate_power(size.plan(GOAL)[0], law).asked
                if cost < best.answers:
                    assert chance(GOAL, size, law, "upheld") < 0.8


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_at_the_threshold_no_number_of_items_decides(kind: Items) -> None:
    for rate in (0.18, 0.2, 0.3):
        assert cheapest_plan(GOAL, RateLaw(rate=rate), "upheld", kind) is None
        assert not items_could_decide(GOAL, RateLaw(rate=rate), "upheld")
    assert not items_could_decide(GOAL, RateLaw(rate=0.2), "refuted")


def test_above_the_threshold_it_refutes() -> None:
    found = cheapest_plan(GOAL, RateLaw(rate=0.4), "refuted", "own")
    assert found is not None
    assert found.power >= 0.8
    assert cheapest_plan(GOAL, RateLaw(rate=0.1), "refuted", "own") is None


def test_more_than_the_items_that_are_tried_may_decide() -> None:
    law = RateLaw(rate=0.165)
    assert cheapest_plan(GOAL, law, "upheld", "shared") is None
    assert items_could_decide(GOAL, law, "upheld")


def test_dear_training_makes_for_fewer_seeds() -> None:
    law = RateLaw(rate=0.1)
    cheap, dear = (cheapest_plan(replace(GOAL, training=cost), law, "upheld", "own") for cost in (0, 2000))
    assert cheap is not None
    assert dear is not None
    assert dear.size.replicates < cheap.size.replicates
    assert dear.size.items > cheap.size.items


def test_no_fewer_seeds_are_tried_than_decide() -> None:
    assert GOAL.sizes == range(5, 21)
    assert replace(GOAL, share=0.1).sizes == range(33, 49)
