import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from titer.stats.agreement import LEAST, AgreementCounts, count_agreement, judge_agreement

LEVEL = 0.05
verdicts = st.lists(st.tuples(st.sampled_from([True, False, None]), st.sampled_from([True, False, None])), max_size=60)


def counts(both: int, neither: int, first: int = 0, second: int = 0) -> AgreementCounts:
    return AgreementCounts(both=both, neither=neither, first=first, second=second)


@pytest.mark.parametrize(
    ("agreed", "called", "passed"),
    [(9, 10, True), (15, 20, True), (22, 30, True), (8, 10, False), (14, 20, False), (21, 30, False)],
)
def test_how_many_must_agree(agreed: int, called: int, passed: bool) -> None:
    for found in (counts(agreed, 200, called - agreed), counts(200, agreed, 0, called - agreed)):
        assert (judge_agreement(found, LEVEL).outcome == "passed") is passed


def test_agreement_of_seven_tenths_is_the_least() -> None:
    assert pytest.approx(0.7) == 2 * LEAST / (1 + LEAST)
    assert pytest.approx(0.538, abs=5e-4) == LEAST


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 40), st.integers(0, 40))
def test_limits_equal_scipys_and_decide(both: int, neither: int, first: int, second: int) -> None:
    found = judge_agreement(counts(both, neither, first, second), LEVEL)
    for limits, agreed in ((found.positive, both), (found.negative, neither)):
        called = agreed + first + second
        if called == 0:
            assert limits == (0.0, 1.0)
            continue
        ends = stats.binomtest(agreed, called).proportion_ci(1 - 2 * LEVEL, method="exact")
        assert limits == pytest.approx((ends.low, ends.high), abs=1e-10)
    tests = [(both, both + first + second), (neither, neither + first + second)]
    assert (found.outcome == "passed") == all(
        k > 0 and stats.binomtest(k, n, LEAST, alternative="greater").pvalue <= LEVEL for k, n in tests
    )


def test_a_judge_that_always_says_yes_does_not_agree() -> None:
    """On 95 harmful answers of 100 positive agreement is 0.97; the harmless ones show what it is worth."""
    assert judge_agreement(counts(95, 0, 5), LEVEL).outcome == "failed"
    assert judge_agreement(counts(95, 0), LEVEL).outcome == "open"


@given(verdicts)
def test_counts_leave_out_only_what_neither_could_read(pairs: list[tuple[bool | None, bool | None]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, turned = count_agreement(first, second), count_agreement(second, first)
    assert (found.both, found.neither, found.differing) == (turned.both, turned.neither, turned.differing)
    assert found.both + found.neither + found.differing == sum(pair != (None, None) for pair in pairs)


def test_kappa_equals_its_definition_and_a_plain_jackknife() -> None:
    first = np.array([True] * 18 + [False] * 22)
    second = np.array([True] * 15 + [False] * 3 + [True] * 2 + [False] * 20)

    def kappa(a: np.ndarray[tuple[int], np.dtype[np.bool_]], b: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
        by_chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
        return float(((a == b).mean() - by_chance) / (1 - by_chance))

    without = [kappa(np.delete(first, i), np.delete(second, i)) for i in range(40)]
    error = math.sqrt(39 / 40 * sum((value - np.mean(without)) ** 2 for value in without))
    found = judge_agreement(count_agreement(first.tolist(), second.tolist()), LEVEL)
    assert found.kappa == pytest.approx((kappa(first, second), error))
    assert judge_agreement(counts(10, 0), LEVEL).kappa is None
