import math
import pickle
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from titer.stats import loss_test, mcnemar_test, noninferiority_test, outcomes_of, rate_test
from titer.stats.noninferiority import Changes, Claim, compare_rates
from titer.stats.tango import (
    FloatArray,
    all_outcomes,
    critical_score,
    exceedance,
    lower_score_limit,
    score_sizes,
    tango_score,
)

LEVEL = 0.05
CLAIMS: tuple[Claim, Claim] = ("noninferior", "inferior")


def pair(gains: int, losses: int, items: int) -> tuple[FloatArray, FloatArray]:
    """Right or wrong of a new model and of a reference; half of what does not change is right."""
    same = items - gains - losses
    right = same // 2
    new = np.repeat([1.0, 0.0, 1.0, 0.0], [gains, losses, right, same - right])
    return new, np.repeat([0.0, 1.0, 1.0, 0.0], [gains, losses, right, same - right])


@given(
    st.integers(1, 300), st.data(), st.floats(0.02, 0.9), st.sampled_from(["less", "greater"]), st.floats(0.001, 0.4)
)
def test_a_rate_equals_scipys_binomial_test(
    n: int, data: st.DataObject, threshold: float, alternative: Literal["less", "greater"], level: float
) -> None:
    k = data.draw(st.integers(0, n))
    found = rate_test(outcomes_of(k, n), threshold, alternative=alternative, level=level)
    oracle = stats.binomtest(k, n, threshold, alternative=alternative)
    ends = stats.binomtest(k, n).proportion_ci(1 - 2 * level, method="exact")
    assert found.pvalue == pytest.approx(oracle.pvalue, rel=1e-9, abs=1e-300)
    assert found.limits == pytest.approx((ends.low, ends.high), abs=1e-10)
    assert found.reject == (found.pvalue <= level * (1 + 1e-12))
    assert (found.items, found.successes, found.missing, found.estimate) == (n, k, 0, k / n)


@given(st.integers(0, 20), st.integers(0, 20))
def test_missing_items_count_against_either_claim_and_either_limit(ones: int, missing: int) -> None:
    items = outcomes_of(ones, 60, missing)
    worst, best = rate_test(outcomes_of(ones + missing, 60), 0.3), rate_test(outcomes_of(ones, 60), 0.3)
    less, greater = rate_test(items, 0.3), rate_test(items, 0.3, alternative="greater")
    assert (less.missing, greater.missing) == (missing, missing)
    assert less.pvalue == worst.pvalue
    assert greater.pvalue == rate_test(outcomes_of(ones, 60), 0.3, alternative="greater").pvalue
    assert less.limits == greater.limits == (best.limits.low, worst.limits.high)


@pytest.mark.parametrize(
    "values",
    [
        [True, False, None, True],
        [1, 0, None, 1],
        [1.0, 0.0, math.nan, 1.0],
        np.array([1, 0, np.nan, 1]),
        np.array([True, False, None, True], dtype=object),
        np.ma.array([1, 0, 1, 1], mask=[False, False, True, False]),
    ],
)
def test_every_kind_of_missing_item_is_seen(values: list[float | None]) -> None:
    found = rate_test(values, 0.5)
    assert (found.items, found.successes, found.missing) == (4, 2, 1)


@pytest.mark.parametrize("values", [[], [2], [0.5], ["1", "0"], [1, "0"], [math.inf], [[1, 0]], 1, [[1], [0, 1]]])
def test_what_is_no_list_of_items_is_refused(values: list[float | None]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        rate_test(values, 0.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.data(), st.sampled_from([0.02, 0.05, 0.2, -0.1]), st.sampled_from(CLAIMS))
def test_pairs_are_decided_as_by_the_critical_score(
    gains: int, data: st.DataObject, margin: float, alternative: Claim
) -> None:
    losses = data.draw(st.integers(0, 60 - gains))
    counts = Changes(gains=gains, losses=losses, items=60)
    found = noninferiority_test(*pair(gains, losses, 60), margin=margin, alternative=alternative)
    expected = compare_rates(counts, margin=margin, level=LEVEL, claim=alternative)
    assert found.reject == expected.shown
    assert found.estimate == expected.estimate
    limits = [compare_rates(counts, margin=margin, level=LEVEL, claim=claim).limit for claim in CLAIMS]
    assert found.limits == tuple(limits)


@pytest.mark.parametrize("margin", [0.02, 0.1, -0.05, 0.0])
@pytest.mark.parametrize("items", [10, 44, 120])
def test_the_exact_pvalue_is_the_largest_chance_of_the_score(items: int, margin: float) -> None:
    """Against the enumeration of all outcomes, of which there is no need; and where the score is not positive."""
    scores, sizes = score_sizes(items, margin)
    for place in np.linspace(0, len(scores) - 1, 15).astype(int):
        assert exceedance(float(scores[place]), items, margin) == pytest.approx(sizes[place], abs=1e-9)
    outcomes = all_outcomes(items)
    table = tango_score(outcomes[:, 0], outcomes[:, 1], items, -margin)
    gain = 0.1 + max(0.0, -margin)
    law = [gain, 0.1 + max(0.0, margin), 0.8 - abs(margin)]
    counts = np.column_stack([outcomes, items - outcomes.sum(axis=1)])
    chances = stats.multinomial.pmf(counts, items, law)
    for score in (-2.0, -0.3, 0.0, 0.7):
        assert exceedance(score, items, margin) >= float(chances[table >= score - 1e-9].sum()) - 1e-9


def test_at_a_margin_of_0_the_pvalue_is_that_of_the_unconditional_mcnemar_test() -> None:
    """Suissa and Shuster (1991): the largest chance of the score over the share that changes, by brute force."""
    n, score = 30, 5 / math.sqrt(9)
    outcomes = all_outcomes(n)
    b, c = outcomes.T
    reached = outcomes[(b + c > 0) & (b - c >= score * np.sqrt(b + c) - 1e-9)]
    counts = np.column_stack([reached, n - reached.sum(axis=1)])
    laws = [[p / 2, p / 2, 1 - p] for p in np.linspace(0.005, 1, 400)]
    brute = max(float(stats.multinomial.pmf(counts, n, law).sum()) for law in laws)
    assert noninferiority_test(*pair(7, 2, n), margin=0.0).pvalue == pytest.approx(brute, abs=2e-4)


def test_published_examples() -> None:
    """Tango (1998): 44 pairs of lenses, one change; Fagerland, Lydersen, Laake (2014), table V: (-0.517, -0.026)."""
    assert float(tango_score(0, 1, 44, -0.1)) == pytest.approx(1.709, abs=5e-4)
    assert float(stats.norm.sf(tango_score(0, 1, 44, -0.1))) == pytest.approx(0.044, abs=5e-4)
    z = float(stats.norm.isf(0.025))
    assert round(lower_score_limit(1, 7, 21, z), 3) == -0.517
    assert round(-lower_score_limit(7, 1, 21, z), 3) == -0.026
    lenses = noninferiority_test(*pair(0, 1, 44), margin=0.1)
    assert lenses.pvalue == pytest.approx(0.0571, abs=5e-5)  # exact: the normal p-value of 0.044 is too small
    assert not lenses.reject


@pytest.mark.parametrize("items", [401, 1000])
def test_above_400_items_the_test_is_still_exact(items: int) -> None:
    critical = critical_score(items, 0.05, LEVEL)
    assert critical is not None
    assert 1.645 < critical < 1.75
    assert exceedance(critical, items, 0.05) <= LEVEL < exceedance(critical - 1e-6, items, 0.05)
    losses = next(c for c in range(items) if not noninferiority_test(*pair(5, c, items), margin=0.05).reject)
    for seen in (losses - 1, losses):
        found = noninferiority_test(*pair(5, seen, items), margin=0.05)
        assert found.reject == (found.limits.low > -0.05) == (seen < losses)


def test_above_400_items_the_size_is_at_most_the_level_by_enumeration() -> None:
    """Independent of the fast path: every outcome of 450 items, by scipy's trinomial, on laws of another grid."""
    items, margin = 450, 0.02
    critical = critical_score(items, margin, LEVEL)
    assert critical is not None
    outcomes = all_outcomes(items)
    shown = outcomes[tango_score(outcomes[:, 0], outcomes[:, 1], items, -margin) >= critical - 1e-9]
    counts = np.column_stack([shown, items - shown.sum(axis=1)])
    gains = np.concatenate([np.geomspace(1e-5, 0.02, 15), np.linspace(0.025, (1 - margin) / 2, 25)])
    laws = [[gain, gain + margin, max(0.0, 1 - 2 * gain - margin)] for gain in gains]
    sizes = [float(stats.multinomial.pmf(counts, items, law).sum()) for law in laws]
    assert 0.045 < max(sizes) <= LEVEL + 2e-5


def test_pairs_that_lack_an_item_count_against_the_claim() -> None:
    new, reference = [1, 1, None, 0, 1, None], [1, None, 1, 1, 0, None]
    cases: list[tuple[Claim, int, int]] = [("noninferior", 1, 3), ("inferior", 3, 1)]
    for alternative, better, worse in cases:
        found = noninferiority_test(new, reference, margin=0.1, alternative=alternative)
        assert (found.better, found.worse, found.missing, found.items) == (better, worse, 3, 6)
    with pytest.raises(ValueError, match="not 2 and 3"):
        noninferiority_test([1, 0], [1, 0, 1], margin=0.1)
    with pytest.raises(ValueError, match="margin"):
        noninferiority_test([1, 0], [1, 0], margin=1.0)


def test_limits_are_reckoned_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Tango's score take seconds; the p-value and the word need none of them."""
    asked: list[float] = []

    def counted(items: int, margin: float, level: float) -> float | None:
        asked.append(margin)
        return critical_score(items, margin, level)

    monkeypatch.setattr("titer.stats.item_tests.critical_score", counted)
    found = noninferiority_test([1] * 60, [1] * 60, margin=0.1)
    assert (found.reject, asked) == (True, [])
    assert found.limits == found.limits
    assert asked == [0.1, -0.1]
    assert pickle.loads(pickle.dumps(noninferiority_test([1] * 60, [1] * 60, margin=0.1))).limits == found.limits


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["less", "greater"]))
def test_changes_equal_scipys_binomial_test(gains: int, losses: int, alternative: Literal["less", "greater"]) -> None:
    found = mcnemar_test(*pair(gains, losses, 70), alternative=alternative, level=0.1)
    changed = gains + losses
    oracle = stats.binomtest(gains, changed, 0.5, alternative=alternative).pvalue if changed else 1.0
    assert found.pvalue == pytest.approx(oracle, rel=1e-9)
    ends = stats.binomtest(gains, changed).proportion_ci(0.8, method="exact") if changed else None
    assert found.limits == pytest.approx((ends.low, ends.high) if ends else (0, 1), abs=1e-10)
    assert found.reject == (found.pvalue <= 0.1)
    assert mcnemar_test(*pair(gains, losses, 70)[::-1]).pvalue == mcnemar_test(
        *pair(gains, losses, 70), alternative="less"
    ).pvalue  # fmt: skip


def test_changes_that_are_missing_count_against_either_claim() -> None:
    """What one of the two lacks is taken as no change, what both lack as a change for the worse."""
    new, reference = [1, 1, 1, None, 1, None], [0, 0, 0, 0, None, None]
    found = mcnemar_test(new, reference)
    assert (found.better, found.worse, found.missing, found.pvalue) == (3, 1, 3, 5 / 16)
    assert found.limits == pytest.approx(
        (stats.beta.ppf(0.05, 3, 2), 1.0)
    )  # of the claim's counts below, and all gains above
    less = mcnemar_test(reference, new, alternative="less")
    assert (less.better, less.worse, less.pvalue) == (1, 3, 5 / 16)


@given(st.integers(0, 40), st.integers(0, 20), st.sampled_from(CLAIMS))
def test_losses_equal_scipys_binomial_test(worse: int, missing: int, alternative: Claim) -> None:
    new = [5.0] * worse + [None] * missing + [1.0] * (100 - worse - missing)
    found = loss_test(new, [1.0] * 100, margin=0.5, share=0.2, alternative=alternative)
    counted = worse + (missing if alternative == "noninferior" else 0)
    side: Literal["less", "greater"] = "less" if alternative == "noninferior" else "greater"
    assert found.pvalue == pytest.approx(stats.binomtest(counted, 100, 0.2, alternative=side).pvalue, rel=1e-9)
    low = stats.binomtest(worse, 100).proportion_ci(0.9, method="exact").low
    high = stats.binomtest(worse + missing, 100).proportion_ci(0.9, method="exact").high
    assert found.limits == pytest.approx((low, high), abs=1e-10)
    assert (found.worse, found.missing, found.better) == (counted, missing, 0)


def test_summaries_say_the_claim_and_what_is_missing() -> None:
    text = loss_test([1.0, None], [1.0, 1.0], margin=0.1).summary()
    assert "share rising by more than 0.1 <= 0.1" in text
    assert "1, counted against the claim" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_counts_that_cannot_be_are_refused() -> None:
    for counts, items, missing in ((5, 4, 0), (-1, 4, 0), (3, 4, 2), (0, 0, 0)):
        with pytest.raises(ValueError, match="at most"):
            outcomes_of(counts, items, missing)
