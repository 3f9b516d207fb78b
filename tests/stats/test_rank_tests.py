"""Rank tests on intervals: scipy where doses are known, every completion where they are not, size by enumeration."""

from itertools import combinations, product
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from titer.stats import Interval, paired_rank_test, rank_test

LADDER = (0, 1, 2, 4, 8, 16)
ends = st.one_of(
    st.sampled_from([(0, 0), *combinations(LADDER, 2), *((low, None) for low in LADDER)]),
    st.none(),
)
sides = st.sampled_from(["greater", "less"])
Side = Literal["greater", "less"]
Ends = tuple[float, float | None] | None


def known(doses: list[int]) -> list[tuple[float, float]]:
    return [(float(dose), float(dose)) for dose in doses]


def completions(interval: Ends) -> list[float]:
    """Doses that an interval allows: just above its low end, and its high end; without a reading, from 0 to never."""
    low, high = interval or (-1.0, None)
    if low == high:
        return [low]
    top = 1e6 if high is None else high
    return [max(0.0, low + 1e-3), top] + [0.0] * (low == 0)


def read(dose: float, ladder: tuple[float, ...]) -> Interval:
    """The interval that a reading at these doses tells of a run that breaks at one."""
    below = [at for at in ladder if at < dose]
    return Interval(below[-1] if below else 0, next((at for at in ladder if at >= dose), None))


@given(st.permutations(range(1, 13)), st.integers(1, 11), sides)
def test_of_known_doses_it_is_mann_and_whitneys_test(doses: list[int], cut: int, side: Side) -> None:
    found = rank_test(known(doses[:cut]), known(doses[cut:]), alternative=side)
    oracle = stats.mannwhitneyu(doses[:cut], doses[cut:], alternative=side, method="exact").pvalue
    assert found.pvalue == pytest.approx(oracle, rel=1e-12)
    assert found.reject == (found.pvalue <= 0.05)


@given(st.permutations(range(1, 9)), st.lists(st.booleans(), min_size=8, max_size=8), sides)
def test_of_known_ratios_it_is_wilcoxons_test(ranks: list[int], signs: list[bool], side: Side) -> None:
    """Powers of two, so that every ratio is exact."""
    new = [2.0 ** (20 + (rank if sign else -rank)) for rank, sign in zip(ranks, signs, strict=True)]
    found = paired_rank_test([(dose, dose) for dose in new], [(2.0**20, 2.0**20)] * 8, alternative=side)
    oracle = stats.wilcoxon(np.log2(new) - 20, alternative=side, method="exact").pvalue
    assert found.pvalue == pytest.approx(oracle, rel=1e-12)


def test_the_least_that_five_runs_can_show() -> None:
    late, early = [(8.0, None)] * 5, [(2.0, 4.0)] * 5
    assert rank_test(late, early).pvalue == 1 / 252
    assert paired_rank_test(late, early).pvalue == 1 / 32
    assert rank_test(early, late, alternative="less").pvalue == 1 / 252
    assert paired_rank_test(early, late, alternative="less").pvalue == 1 / 32
    assert rank_test(early, late).pvalue == paired_rank_test(early, late).pvalue == 1.0
    assert "surely so  25 of 25 pairs" in rank_test(late, early).summary()


def test_what_is_not_known_is_in_favour_of_nothing() -> None:
    """Both broken at dose 0, or at dose 4; both never broken; no reading; intervals that overlap; ends that meet."""
    for new, other in (
        ((0, 0), (0, 0)),
        ((4, 4), (4, 4)),
        ((16, None), (16, None)),
        (None, (0, 0)),
        ((0, 4), (0, 0)),
        ((2, 8), (1, 4)),
    ):
        assert rank_test([new] * 5, [other] * 5).count == 0
        assert paired_rank_test([new] * 5, [other] * 5).count == 0
    assert rank_test([(4, 8)], [(2, 4)]).count == 1  # above 4, and at most 4
    assert rank_test([(4, 4)], [(2, 4)]).count == 0  # 4, and at most 4
    assert "2, counted against the claim" in paired_rank_test([None, (2, 4)], [None, (2, 4)]).summary()
    for bad in ((4, 2), (-1, 2), (float("nan"), 2), (float("inf"), None)):
        with pytest.raises(ValueError, match="ends"):
            rank_test([bad], [(2, 4)])
    with pytest.raises(ValueError, match="at least one run"):
        rank_test([], [(2, 4)])


def mann_whitney(new: tuple[float, ...], reference: tuple[float, ...]) -> int:
    return sum(a > b for a in new for b in reference)


def signed_ranks(new: tuple[float, ...], reference: tuple[float, ...]) -> int:
    """Tukey's count: pairs of pairs, each with itself too, whose ratios multiply to more than 1."""
    pairs = list(zip(new, reference, strict=True))
    return sum(
        a * b > c * d for place, (a, c) in enumerate(pairs) for b, d in pairs[place:]
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(ends, min_size=3, max_size=3), st.lists(ends, min_size=3, max_size=3))
def test_the_pvalue_is_the_largest_over_all_completions(new: list[Ends], reference: list[Ends]) -> None:
    """The count reported is the least over all combinations of ends, so its p-value is the largest."""
    whole = [list(product(*map(completions, group))) for group in (new, reference)]
    assert rank_test(new, reference).count == min(mann_whitney(a, b) for a, b in product(*whole))
    paired = paired_rank_test(new, reference).count
    counts = [signed_ranks(a, b) for a, b in product(*whole)]
    assert paired <= min(counts)
    if all(one is not None and one[0] > 0 and one[1] is not None for one in (*new, *reference)):
        assert paired == min(counts)


@pytest.mark.parametrize("other", [LADDER, (0, 3, 6, 12), (0, 16)])
def test_groups_of_one_law_are_told_apart_at_most_as_often_as_said(other: tuple[float, ...]) -> None:
    """All ways to part eight doses into two groups of four, each group read at its own doses: exact size."""
    doses = (0.5, 1.5, 3.0, 3.0, 5.0, 7.0, 12.0, 100.0)
    found = []
    for chosen in combinations(range(8), 4):
        new = [read(doses[place], LADDER) for place in chosen]
        rest = [read(doses[place], other) for place in range(8) if place not in chosen]
        found.append([rank_test(new, rest).pvalue, rank_test(new, rest, alternative="less").pvalue])
    for pvalues in np.array(found).T:
        assert all((pvalues <= at).mean() <= at + 1e-12 for at in set(pvalues))


@pytest.mark.parametrize("other", [LADDER, (0, 3, 6, 12)])
def test_pairs_of_one_law_are_told_apart_at_most_as_often_as_said(other: tuple[float, ...]) -> None:
    """All 2^6 exchanges within six pairs, the new runs read at doses of their own: exact size."""
    pairs = ((0.5, 20.0), (1.5, 40.0), (100.0, 3.0), (0.7, 9.0), (1.5, 1.5), (0.5, 100.0))
    found = []
    for turned in product([False, True], repeat=6):
        runs = [pair[::-1] if turn else pair for pair, turn in zip(pairs, turned, strict=True)]
        new, rest = [read(one, LADDER) for one, _ in runs], [read(two, other) for _, two in runs]
        found.append([paired_rank_test(new, rest).pvalue, paired_rank_test(new, rest, alternative="less").pvalue])
    for pvalues in np.array(found).T:
        assert all((pvalues <= at).mean() <= at + 1e-12 for at in set(pvalues))
    assert np.min(found) < 0.2
