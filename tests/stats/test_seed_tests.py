from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from titer.stats import (
    agreement_test,
    break_share_lower_limit,
    dose_interval,
    dose_ratio,
    outcomes_of,
    replicate_test,
    sequential_test,
)
from titer.stats.expected_sample_size import errors
from titer.stats.replicates import Items, Levels, Tally, decide, levels

ALPHA = 0.05
KINDS: tuple[Items, ...] = get_args(Items)


def at(replicates: int, items: Items = "shared", share: float = 0.5) -> Levels:
    return levels(replicates=replicates, share=share, alpha=ALPHA, decisions=4, items=items)


@pytest.mark.parametrize("items", KINDS)
@settings(max_examples=50, deadline=None)
@given(st.integers(3, 12), st.data())
def test_runs_are_decided_as_by_the_replicate_rule(items: Items, runs: int, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=runs, max_size=runs))
    found = replicate_test(outcomes_of(counts, items=60), threshold=0.2, items=items)
    plan = at(runs, items)
    intact = np.asarray(stats.binom.cdf(counts, 60, 0.2)) <= plan.intact_level
    broken = np.asarray(stats.binom.sf(np.array(counts) - 1, 60, 0.2)) <= plan.broken_level
    holds, fails = int(intact.all(axis=1).sum()), int(broken.any(axis=1).sum())
    assert found.levels == plan
    assert found.tally == Tally(holds=holds, fails=fails, open=runs - holds - fails)
    assert found.outcome == decide(found.tally, plan)
    assert found.reject == (found.outcome == "upheld")
    assert 0 <= found.limits.low <= found.limits.high <= 1


def test_one_reading_of_a_run_needs_no_dose() -> None:
    flat, deep = outcomes_of([3, 4, 5, 6, 7], 100), outcomes_of([[3], [4], [5], [6], [7]], 100)
    assert replicate_test(flat, threshold=0.2) == replicate_test(deep, threshold=0.2)
    assert replicate_test(flat, threshold=0.2).limits.high == pytest.approx(0.5)
    assert replicate_test(flat.tolist(), threshold=0.2).reject


def test_missing_items_let_no_run_hold_and_none_fail() -> None:
    few = replicate_test(outcomes_of([0] * 5, 100, [30] * 5), threshold=0.2)
    many = replicate_test(outcomes_of([15] * 5, 100, [60] * 5), threshold=0.2)
    assert (few.tally.holds, many.tally.fails) == (0, 0)
    assert few.missing == 150
    assert "counted against the claims" in few.summary()


def test_too_few_runs_decide_nothing_and_say_how_many_would() -> None:
    three = replicate_test(outcomes_of([0, 0, 0], 100), threshold=0.2)
    assert three.outcome == "undecided"
    assert "at least 5 runs can decide" in three.summary()
    assert dose_interval(replicate_test(outcomes_of([[0, 90]] * 3, 100), threshold=0.2), [0, 8]).limits is None


@pytest.mark.parametrize("items", KINDS)
@pytest.mark.parametrize("replicates", [3, 5, 9, 20])
def test_the_lower_limit_of_the_share_covers_it(replicates: int, items: Items) -> None:
    """The chance that it lies above the true share: Markov at the worst dependence, or independent replicates."""
    plan = at(replicates, items)
    misjudged = plan.decisions * plan.broken_level
    limits = [break_share_lower_limit(x, plan) for x in range(replicates + 1)]
    assert limits == sorted(limits)
    if plan.r_fail is not None:
        assert limits[replicates - plan.r_fail] == pytest.approx(0.5)
    for p in np.linspace(0.01, 0.99, 50):
        above = [x for x, limit in enumerate(limits) if limit > p]
        if not above:
            continue
        if items == "own":
            missed = float(stats.binom.sf(above[0] - 1, replicates, p + (1 - p) * misjudged))
        else:
            spared, sound = replicates - above[0], np.arange(replicates + 1)
            excess = np.minimum(1.0, sound * misjudged / np.maximum(sound - spared, 1e-300))
            chance = np.where(sound <= spared, 1.0, excess)
            missed = float((stats.binom.pmf(sound, replicates, 1 - p) * chance).sum())
        assert missed <= ALPHA + 1e-9


def test_doses_that_break_runs() -> None:
    counts = [[0, 1, 2, 90], [0, 1, 90, 90], [0, 2, 1, 3], [0, 20, 1, 90], [0, 0, 0, 80]]
    found = dose_interval(replicate_test(outcomes_of(counts, 100), threshold=0.2), [0, 8, 16, 32])
    assert found.intervals == ((16, 32), (8, 16), (32, None), (0, 32), (16, 32))
    assert found.limits == (0, None)
    assert (found.quantile, found.level) == (0.5, ALPHA)
    assert "(32, no upper end]" in found.summary()


@pytest.mark.parametrize(("items", "level"), [("shared", 0.06875), ("own", 0.05)])
def test_ratios_of_doses(items: Items, level: float) -> None:
    doses = [0, 8, 16, 32]
    weak, strong = outcomes_of([[0, 90, 90, 90]] * 5, 100), outcomes_of([[0, 1, 2, 90]] * 5, 100)
    found = dose_ratio(strong, weak, doses, threshold=0.2, items=items)
    assert found.limits == (2, None)
    assert found.level == pytest.approx(level)
    assert found.reject
    assert not dose_ratio(weak, weak, doses, threshold=0.2, items=items).reject
    barely = dose_ratio(outcomes_of([[0, 1, 90, 90]] * 5, 100), weak, doses, threshold=0.2, items=items)
    assert barely.limits == (1, None)
    assert barely.reject  # the new run is intact at 8, where the reference breaks: the ratio is above 1
    with pytest.raises(ValueError, match="same runs"):
        dose_ratio(strong[:4], weak, doses, threshold=0.2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=100), st.sampled_from([1, 3, 6]))
def test_items_as_they_come_in_are_looked_at_by_the_analyses_alone(answers: list[float | None], analyses: int) -> None:
    assert analyses in (1, 3, 6)
    kind = {1: 1, 3: 3, 6: 6}[analyses]
    found = sequential_test(answers, items=100, threshold=0.4, analyses=kind)  # type: ignore[arg-type]
    stops = [analysis.asked for analysis in found.plan.analyses]
    if found.decision is None:
        assert found.next_analysis == min(stop for stop in stops if stop > len(answers))
        assert found.asked == max([0, *(stop for stop in stops if stop <= len(answers))])
    else:
        assert found.next_analysis is None
        again = sequential_test(answers[: found.asked], items=100, threshold=0.4, analyses=kind)  # type: ignore[arg-type]
        assert again == found
    assert max(errors(found.plan)) <= 0.05


def test_a_sequential_test_by_all_items_is_the_fixed_one() -> None:
    for ones in range(0, 101, 5):
        found = sequential_test(outcomes_of(ones, 100), items=100, threshold=0.4, analyses=1)
        less = stats.binomtest(ones, 100, 0.4, alternative="less").pvalue <= ALPHA
        greater = stats.binomtest(ones, 100, 0.4, alternative="greater").pvalue <= ALPHA
        assert found.decision == ("less" if less else "greater" if greater else "neither")
        assert found.reject == (less or greater)
    with pytest.raises(ValueError, match="101 items came in of only 100"):
        sequential_test([0] * 101, items=100, threshold=0.4)


@given(st.lists(st.tuples(st.sampled_from([0, 1, None]), st.sampled_from([0, 1, None])), min_size=1, max_size=80))
def test_agreement_has_the_pvalue_of_its_limits(pairs: list[tuple[float | None, float | None]]) -> None:
    found = agreement_test([a for a, _ in pairs], [b for _, b in pairs])
    assert found.reject == (found.pvalue <= ALPHA)
    assert found.unread == pairs.count((None, None))
    assert found.limits.low <= found.limits.high
    assert f"{found.unread}, left out" in found.summary()
