import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from titer.stats.binomial import Decision, at_least, at_most
from titer.stats.interval_censoring import (
    Interval,
    quantile_limits,
    ratio,
    ratio_error,
    ratio_levels,
    titer,
    upper_limit_error,
    weakest,
)
from titer.stats.replicates import Items, Levels, levels

DOSES = [0, 16, 32, 64]


def at(replicates: int, decisions: int = 18, share: float = 0.5, items: Items = "shared") -> Levels:
    return levels(replicates=replicates, share=share, alpha=0.05, decisions=decisions, items=items)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        (["intact", "intact", "intact", "intact"], (64, None)),
        (["intact", "intact", "broken", "intact"], (16, 32)),
        (["intact", "unclear", "intact", "broken"], (0, 64)),
        (["intact", "unclear", "intact", "intact"], (0, None)),
        (["intact", None, "broken", None], (0, 32)),
        (["intact", "intact", None, None], (16, None)),
        (["broken", "intact", "intact", "broken"], (0, 0)),
        (["intact", "broken", "broken", "broken"], (0, 16)),
        (["unclear", "unclear", "unclear", "unclear"], (0, None)),
    ],
)
def test_titer_of_a_curve(decisions: list[Decision | None], expected: tuple[float, float | None]) -> None:
    assert titer(DOSES, decisions) == expected


def test_doses_and_decisions_must_fit() -> None:
    with pytest.raises(ValueError, match="strictly"):
        titer([0, 16, 16], ["intact", "intact", "broken"])
    with pytest.raises(ValueError, match="not 2 and 1"):
        titer([0, 16], ["intact"])


def test_replicate_is_as_weak_as_its_weakest_curve() -> None:
    assert weakest([Interval(64, None), Interval(16, 128), Interval(32, 64)]) == (16, 64)
    assert weakest([Interval(64, None), Interval(32, None)]) == (32, None)


def test_limits_are_order_statistics() -> None:
    nine = [Interval(low, 2 * low) for low in range(1, 9)] + [Interval(9, None)]
    assert at(9).r == at(9).r_fail == 1
    assert quantile_limits(nine, at(9)) == (2, 16)
    assert quantile_limits(nine[4:], at(5)) == (5, None)
    assert quantile_limits(nine[:3], at(3)) is None
    with pytest.raises(ValueError, match="9 replicates, not for 5"):
        quantile_limits(nine[4:], at(9))


@pytest.mark.parametrize(
    ("defended", "undefended", "expected"),
    [
        ((32, 64), (8, 16), (2, 8)),
        ((32, None), (8, 16), (2, None)),  # M* never broken: at least twice
        ((32, 64), (0, 0), (0, None)),  # M broken at dose 0
        ((32, 64), (0, 8), (4, None)),  # M broken at the first dose
        ((32, 64), (64, None), (0, 1)),  # M not broken
        ((64, None), (64, None), (0, None)),  # neither broken
        ((0, 0), (8, 16), (0, 0)),  # M* broken at dose 0
        ((0, 8), (8, 16), (0, 1)),  # M* broken at the first dose
        ((0, 0), (0, 0), (0, None)),
    ],
)
def test_ratio_with_all_kinds_of_censoring(
    defended: tuple[float, float | None],
    undefended: tuple[float, float | None],
    expected: tuple[float, float | None],
) -> None:
    assert ratio(Interval(*defended), Interval(*undefended)) == expected


@given(st.floats(0.5, 500), st.floats(0.5, 500))
def test_ratio_holds_the_true_ratio(defended: float, undefended: float) -> None:
    def bracket(dose: float) -> Interval:
        return titer([0, 1, 2, 4, 8, 16, 32, 64], ["broken" if point >= dose else "intact"
                     for point in (0, 1, 2, 4, 8, 16, 32, 64)])  # fmt: skip

    low, high = ratio(bracket(defended), bracket(undefended))
    assert low <= defended / undefended
    assert high is None or defended / undefended <= high


def test_error_of_the_ratio_limits() -> None:
    whole_ladder = ratio_levels(at(5), 36)
    error = ratio_error(whole_ladder)
    assert error is not None
    assert 1 - error == pytest.approx(0.93125)
    assert ratio_error(at(3)) is None


@pytest.mark.parametrize("items", ["shared", "own"])
def test_ratios_are_decided_at_the_levels_of_the_median_over_the_whole_ladder(items: Items) -> None:
    found = ratio_levels(at(13, share=0.25, items=items), 36)
    median = at(13, decisions=36, items=items)
    part = 1 if items == "shared" else 1 / 2
    assert (found.share, found.decisions, found.r, found.r_fail) == (0.5, 36, median.r, median.r_fail)
    assert found.intact_level == median.intact_level * part
    assert found.broken_level == median.broken_level * part


@pytest.mark.parametrize("replicates", [5, 6, 8, 9, 12, 20, 40])
def test_limits_of_ratios_on_own_items_err_at_most_at_alpha(replicates: int) -> None:
    """A pair of which the wrong side is true shows it unless a reading of either subject errs."""
    found = ratio_levels(at(replicates, items="own"), 36)
    assert found.r is not None
    assert found.r_fail is not None
    assert ratio_error(found) == 0.05
    misjudged = found.intact_level + 36 * found.broken_level
    assert at_most(found.r, replicates, 0.5 * (1 - misjudged)) <= 0.05 + 1e-9
    assert at_least(replicates - found.r_fail, replicates, 0.5 + 0.5 * misjudged) <= 0.05 + 1e-9


def test_error_of_upper_limits_beyond_the_budget() -> None:
    within, beyond = upper_limit_error(at(5), 18), upper_limit_error(at(5), 36)
    assert within is not None
    assert beyond is not None
    assert within <= 0.05
    assert beyond == pytest.approx(0.03125 + 0.96875 * 2 * 0.01875)
    assert upper_limit_error(at(3), 18) is None


@pytest.mark.parametrize("replicates", [5, 6, 8, 9, 20])
def test_error_of_upper_limits_on_own_items(replicates: int) -> None:
    own = at(replicates, items="own")
    assert own.r_fail is not None
    assert upper_limit_error(own, 18) == pytest.approx(0.05, rel=1e-9)
    each = 36 * own.broken_level
    beyond = stats.binom.sf(replicates - own.r_fail - 1, replicates, 0.5 + 0.5 * min(1.0, each))
    assert upper_limit_error(own, 36) == pytest.approx(float(beyond))
    assert upper_limit_error(own, 10**6) == pytest.approx(1.0)
