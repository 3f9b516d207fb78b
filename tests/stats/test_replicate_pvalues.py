"""The p-values of the replicate rule: against the rule itself at every level, and their size."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from titer.stats import outcomes_of, replicate_test
from titer.stats.replicate_pvalues import refuted_pvalue, upheld_pvalue
from titer.stats.replicates import Items, levels

KINDS: tuple[Items, ...] = get_args(Items)
ITEMS, THRESHOLD = 60, 0.2


def outcome_at(counts: list[list[int]], level: float, items: Items) -> str:
    return replicate_test(outcomes_of(counts, ITEMS), threshold=THRESHOLD, level=level, items=items).outcome


@pytest.mark.parametrize("items", KINDS)
@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.sampled_from([0, 4, 8, 14]), st.sampled_from([0.02, 0.05, 0.2]), st.data())
def test_a_pvalue_is_the_smallest_level_from_which_on_every_level_decides(
    items: Items, runs: int, around: int, level: float, data: st.DataObject
) -> None:
    count = st.one_of(st.integers(around, around + 6), st.integers(0, ITEMS))
    counts = data.draw(st.lists(st.lists(count, min_size=2, max_size=2), min_size=runs, max_size=runs))
    found = replicate_test(outcomes_of(counts, ITEMS), threshold=THRESHOLD, level=level, items=items)
    for p, word in ((found.pvalue, "upheld"), (found.pvalue_refuted, "refuted")):
        assert (p <= level) == (found.outcome == word)
        if p <= level:
            for share in (0.0, 0.1, 0.5, 0.9):
                at = p + share * (level - p)
                assert outcome_at(counts, at * (1 + 1e-9), items) == word
            just_below = [outcome_at(counts, p * (1 - gap), items) for gap in (1e-7, 1e-6)]
            assert word not in just_below


def test_the_rule_is_not_monotone_and_the_pvalue_says_so() -> None:
    """Ten runs, all with a tail of 0.012: r is 0 below a level of 0.0172, then 1, where a dose's level falls."""
    tails = [0.012] * 10
    upheld = {level: max(tails) <= levels(replicates=10, share=0.5, alpha=level, decisions=1).intact_level
              for level in (0.0130, 0.0165, 0.0175, 0.05)}  # fmt: skip
    assert list(upheld.values()) == [True, True, False, True]
    own = levels(replicates=10, share=0.5, alpha=0.05, decisions=1)
    assert upheld_pvalue(tails, own) == pytest.approx(11 / 1024 + 2 * 0.012)
    small = levels(replicates=10, share=0.5, alpha=0.0165, decisions=1)
    assert upheld_pvalue(tails, small) == pytest.approx(1 / 1024 + 0.012)


def test_the_least_that_runs_can_show() -> None:
    """All runs hold for certain: 8/5 of 2^-S, since 5/8 of a level is for seeds; too few runs are above the level."""
    for runs, least in ((3, 0.2), (5, 0.05), (8, 8 / 5 / 256), (10, 8 / 5 / 1024)):
        found = replicate_test(outcomes_of([0] * runs, 400), threshold=0.2)
        assert found.pvalue == pytest.approx(least)
        assert found.pvalue_refuted == 1.0
        broken = replicate_test(outcomes_of([400] * runs, 400), threshold=0.2)
        assert broken.pvalue_refuted == pytest.approx(least)
        assert broken.pvalue == 1.0
    assert (
        "p-values      0.05 (upheld), 1 (refuted)" in replicate_test(outcomes_of([0] * 5, 400), threshold=0.2).summary()
    )


@pytest.mark.parametrize("items", KINDS)
@pytest.mark.parametrize("level", [0.05, 0.2])
@pytest.mark.parametrize("runs", [5, 10])
def test_pvalues_err_at_most_at_what_they_say(runs: int, items: Items, level: float) -> None:
    """At the boundary half of the runs break; with shared items all are misjudged together, with own each by itself.

    20,000 studies: a run that truly breaks has a uniform tail, one that does not has none; mirrored for refuted.
    """
    rng = np.random.default_rng(3)
    plan = levels(replicates=runs, share=0.5, alpha=level, decisions=1, items=items)
    breaks = rng.random((20_000, runs)) < 0.5
    uniform = rng.random((20_000, 1 if items == "shared" else runs))
    for pvalue, tails in (
        (upheld_pvalue, np.where(breaks, uniform, 0)),
        (refuted_pvalue, np.where(breaks, 0, uniform)),
    ):
        found = np.array([pvalue(row, plan) for row in tails.tolist()])
        for at in (0.005, 0.01, 0.017, 0.02, 0.05, 0.1, 0.2, 0.3):
            errors = int((found <= at).sum())
            assert stats.binomtest(errors, len(found), at, alternative="greater").pvalue > 1e-4
        assert (found <= 0.2).mean() > 0.05  # and it is no p-value that never shows anything
