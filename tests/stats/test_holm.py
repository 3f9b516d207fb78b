import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titer.stats import holm


def test_by_hand() -> None:
    """0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1, which may not be smaller than the one before."""
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert found.adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert found.rejected == (True, False, False, True)
    assert holm([0.01, 0.04, 0.03, 0.005], level=0.06).rejected == (True, True, True, True)
    assert holm([0.5, 0.9]).adjusted == (1.0, 1.0)
    assert holm([0.05]).rejected == (True,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from([0.01, 0.05, 0.2]))
def test_it_is_the_closed_test_of_bonferroni(pvalues: list[float], level: float) -> None:
    """A claim is shown if every set of claims with it has a p-value of at most the level over the set's size."""
    found = holm(pvalues, level=level)
    for place, shown in enumerate(found.rejected):
        others = [p for k, p in enumerate(pvalues) if k != place]
        sets = [
            (pvalues[place], *some) for size in range(len(pvalues)) for some in itertools.combinations(others, size)
        ]
        assert shown == all(min(some) * len(some) <= level * (1 + 1e-12) for some in sets)


def test_a_claim_without_a_pvalue_counts_and_is_never_shown() -> None:
    found = holm([0.02, None, math.nan])
    assert found.adjusted == pytest.approx((0.06, 1.0, 1.0))
    assert (found.missing, found.rejected) == (2, (False, False, False))
    assert "missing  2" in found.summary()
    for bad in ([], [1.1], [-0.1]):
        with pytest.raises(ValueError):  # noqa: PT011
            holm(bad)
    with pytest.raises(ValueError, match="level"):
        holm([0.1], level=1.0)


def test_no_false_claim_is_shown_more_often_than_the_level() -> None:
    """20,000 families of four, two of whose claims are false, with p-values that depend on each other."""
    rng = np.random.default_rng(1)
    false = rng.random((20_000, 2))
    false[:, 1] = np.where(rng.random(20_000) < 0.5, false[:, 0], 1 - false[:, 0])
    true = rng.random((20_000, 2)) * 1e-3
    errors = sum(any(holm(row).rejected[:2]) for row in np.hstack([false, true]).tolist())
    assert 0.03 < errors / 20_000 < 0.05 + 4 * (0.05 * 0.95 / 20_000) ** 0.5
