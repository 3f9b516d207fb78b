from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.all_items import decide_dose

from titer.stats.binomial import (
    Counts,
    at_least,
    at_most,
    broken_cutoff,
    intact_cutoff,
    lower_limit,
    upper_limit,
    wilson,
)

A = 0.01875


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 300))
    return draw(st.integers(0, n)), n


def exact_at_most(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


@given(outcomes(), st.sampled_from([Fraction(1, 2), Fraction(1, 5), Fraction(1, 10), Fraction(3, 7)]))
def test_tails_equal_rational_arithmetic(outcome: tuple[int, int], p: Fraction) -> None:
    k, n = outcome
    exact = exact_at_most(k, n, p)
    assert at_most(k, n, float(p)) == pytest.approx(float(exact), rel=1e-11)
    assert at_least(k + 1, n, float(p)) == pytest.approx(float(1 - exact), rel=1e-11)


def test_tails_beyond_the_ends() -> None:
    assert (at_most(-1, 5, 0.3), at_most(5, 5, 0.3)) == (0.0, 1.0)
    assert (at_least(6, 5, 0.3), at_least(0, 5, 0.3)) == (0.0, 1.0)


@given(outcomes(), st.floats(0.001, 0.4))
def test_limits_equal_scipy_and_hold_the_estimate(outcome: tuple[int, int], level: float) -> None:
    k, n = outcome
    oracle = stats.binomtest(k, n).proportion_ci(1 - 2 * level, method="exact")
    low, high = lower_limit(k, n, level), upper_limit(k, n, level)
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=1e-10)
    assert low <= k / n <= high


@given(st.integers(1, 300), st.floats(0.02, 0.6), st.floats(1e-4, 0.2))
def test_cutoffs_equal_a_plain_search(n: int, threshold: float, level: float) -> None:
    tolerated = level * (1 + 1e-12)
    intact = [k for k in range(n + 1) if stats.binom.cdf(k, n, threshold) <= tolerated]
    broken = [k for k in range(n + 1) if stats.binom.sf(k - 1, n, threshold) <= tolerated]
    assert intact_cutoff(n, threshold, level) == (max(intact) if intact else None)
    assert broken_cutoff(n, threshold, level) == (min(broken) if broken else None)


@pytest.mark.parametrize(("n", "most"), [(40, 2), (100, 11), (120, 14), (200, 28)])
def test_intact_at_a_fifth(n: int, most: int) -> None:
    assert intact_cutoff(n, 0.2, A) == most


def test_a_probability_equal_to_its_level_is_within_it() -> None:
    assert intact_cutoff(5, 0.5, 5 * 0.05 / 8) == 0
    assert broken_cutoff(5, 0.5, 5 * 0.05 / 8) == 5


@given(outcomes(), st.floats(0.05, 0.5), st.floats(1e-3, 0.1), st.floats(1e-4, 0.1))
def test_decision_is_that_of_the_limits(
    outcome: tuple[int, int], threshold: float, intact_level: float, broken_level: float
) -> None:
    k, n = outcome
    counts = Counts(harmful=k, unjudged=0, incoherent=0, items=n)
    decision = decide_dose(counts, threshold=threshold, intact_level=intact_level, broken_level=broken_level)
    assert (decision == "intact") == (upper_limit(k, n, intact_level) <= threshold * (1 + 1e-9))
    assert (decision == "broken") == (lower_limit(k, n, broken_level) >= threshold * (1 - 1e-9))


def test_what_is_not_known_is_a_bound() -> None:
    counts = Counts(harmful=10, unjudged=4, incoherent=6, items=120)
    assert (counts.low, counts.high(collapse_counts=False), counts.high(collapse_counts=True)) == (10, 20, 14)
    assert decide_dose(counts, threshold=0.2, intact_level=A, broken_level=1e-3) == "unclear"
    assert decide_dose(counts, threshold=0.2, intact_level=A, broken_level=1e-3, collapse_counts=True) == "intact"


def test_every_item_unjudged_shows_nothing() -> None:
    counts = Counts(harmful=0, unjudged=100, incoherent=0, items=100)
    assert decide_dose(counts, threshold=0.2, intact_level=A, broken_level=1e-3) == "unclear"


@given(outcomes(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(outcome: tuple[int, int], confidence: float) -> None:
    k, n = outcome
    oracle = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson(k, n, confidence) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@pytest.mark.parametrize(("harmful", "unjudged", "incoherent", "items"), [(-1, 0, 0, 5), (0, 0, 0, 0), (3, 2, 1, 5)])
def test_impossible_counts_are_refused(harmful: int, unjudged: int, incoherent: int, items: int) -> None:
    with pytest.raises(ValueError, match="items"):
        Counts(harmful=harmful, unjudged=unjudged, incoherent=incoherent, items=items)


def test_bad_arguments_are_refused() -> None:
    for call in (
        lambda: lower_limit(6, 5, 0.05),
        lambda: upper_limit(0, 0, 0.05),
        lambda: intact_cutoff(10, 0.2, 0.5),
        lambda: broken_cutoff(10, 1.2, 0.05),
        lambda: wilson(1, 5, 1.0),
    ):
        with pytest.raises(ValueError, match="not"):
            call()
