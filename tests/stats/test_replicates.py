from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from titer.stats.binomial import at_least, at_most, intact_cutoff
from titer.stats.replicates import (
    Items,
    Levels,
    RuleOutcome,
    Tally,
    break_share_limit,
    decide,
    descriptive_levels,
    levels,
    minimum_replicates,
    share_after_rounds,
)

ALPHA = 0.05
SHARES = (1 / 2, 1 / 4, 1 / 10)


def at(replicates: int, share: float = 0.5, decisions: int = 18, items: Items = "shared") -> Levels:
    return levels(replicates=replicates, share=share, alpha=ALPHA, decisions=decisions, items=items)


def test_levels_of_five_replicates() -> None:
    five = at(5)
    assert (five.r, five.r_fail) == (0, 0)
    assert five.s == five.s_fail == pytest.approx(0.03125, rel=1e-12)
    assert five.intact_level == pytest.approx(0.01875, rel=1e-12)
    assert five.broken_level == pytest.approx(0.01875 / 18, rel=1e-12)


@pytest.mark.parametrize(("share", "fewest"), [(1 / 2, 5), (1 / 4, 13), (1 / 10, 33)])
def test_minimum_replicates(share: float, fewest: int) -> None:
    assert minimum_replicates(share, ALPHA) == fewest
    assert at(fewest, share).decidable
    assert not at(fewest - 1, share).decidable


def test_too_few_replicates_are_descriptive() -> None:
    three = at(3)
    assert (three.r, three.s, three.r_fail, three.s_fail) == (None, None, None, None)
    assert three.intact_level == pytest.approx(3 * ALPHA / 8)
    assert three.broken_level == pytest.approx(3 * ALPHA / (8 * 18))
    for broken in range(4):
        assert decide(Tally(holds=3 - broken, fails=broken, open=0), three) == "undecided"


@pytest.mark.parametrize(("replicates", "limit"), [(3, 0.69), (5, 0.50), (10, 0.29), (20, 0.14)])
def test_limit_of_the_share_that_breaks_when_none_did(replicates: int, limit: float) -> None:
    found = break_share_limit(0, at(replicates))
    assert found is not None
    assert round(found, 2) == limit


@given(st.integers(5, 60), st.sampled_from(SHARES))
def test_limit_is_below_the_share_exactly_when_upheld(replicates: int, share: float) -> None:
    at_share = at(replicates, share)
    limits = [break_share_limit(x, at_share) for x in range(replicates + 1)]
    known = [limit for limit in limits if limit is not None]
    assert known == sorted(known)
    assert limits == known + [None] * (len(limits) - len(known))
    if at_share.r is not None:
        assert limits[at_share.r] == pytest.approx(share, rel=1e-9)
        assert all(limit is None or limit > share for limit in limits[at_share.r + 1 :])


def outcome_chances(p: float, at_p: Levels, misjudged: float, allowed: int, *, breaks: bool) -> float:
    """Largest P(false outcome) when replicates break with chance p and each wrong one is misjudged at `misjudged`.

    With K replicates on the wrong side, K > allowed, all but `allowed` must be misjudged:
    P(K - allowed or more misjudged) <= min(1, K misjudged / (K - allowed)).
    """
    total = 0.0
    for k in range(at_p.replicates + 1):
        wrong = k if breaks else at_p.replicates - k
        chance = comb(at_p.replicates, k) * p**k * (1 - p) ** (at_p.replicates - k)
        total += chance * (1.0 if wrong <= allowed else min(1.0, wrong * misjudged / (wrong - allowed)))
    return total


@pytest.mark.parametrize("share", SHARES)
def test_errors_stay_below_alpha_at_the_worst_dependence(share: float) -> None:
    worst = []
    for replicates in range(3, 41):
        claim = at(replicates, share)
        if claim.r is None or claim.r_fail is None:
            continue
        misjudged = claim.decisions * claim.broken_level
        for p in np.linspace(share, 1, 25):
            worst.append(outcome_chances(p, claim, claim.intact_level, claim.r, breaks=True))
        for p in np.linspace(0, share, 25):
            worst.append(outcome_chances(p, claim, misjudged, claim.r_fail, breaks=False))
    assert worst
    assert max(worst) <= ALPHA + 1e-9
    assert max(worst) <= 0.0498 + 5e-5


@pytest.mark.parametrize("replicates", range(5, 21))
def test_replicate_rule_by_brute_force_over_independent_misjudgments(replicates: int) -> None:
    """Each replicate breaks with chance 1/2; a broken one is read as holding with chance a, a sound one as failing."""
    claim = at(replicates)
    a, b = claim.intact_level, claim.decisions * claim.broken_level
    false = {"upheld": 0.0, "refuted": 0.0, "undecided": 0.0}
    for holds in range(replicates + 1):
        outcome = decide(Tally(holds=holds, fails=replicates - holds, open=0), claim)
        hold = 0.5 + 0.5 * a if outcome == "upheld" else 0.5 - 0.5 * b
        false[outcome] += comb(replicates, holds) * hold**holds * (1 - hold) ** (replicates - holds)
    assert false["upheld"] <= ALPHA
    assert false["refuted"] <= ALPHA
    if replicates == 5:
        assert false["upheld"] == pytest.approx(((1 + 0.01875) / 2) ** 5)


@given(st.integers(1, 40), st.sampled_from(SHARES), st.data())
def test_more_breaks_never_help(replicates: int, share: float, data: st.DataObject) -> None:
    order: list[RuleOutcome] = ["upheld", "undecided", "refuted"]
    holds = data.draw(st.integers(0, replicates))
    fails = data.draw(st.integers(0, replicates - holds))
    tally = Tally(holds=holds, fails=fails, open=replicates - holds - fails)
    outcome = order.index(decide(tally, at(replicates, share)))
    if holds:
        worse = Tally(holds=holds - 1, fails=fails + 1, open=tally.open)
        assert order.index(decide(worse, at(replicates, share))) >= outcome
    if tally.open:
        worse = Tally(holds=holds, fails=fails + 1, open=tally.open - 1)
        assert order.index(decide(worse, at(replicates, share))) >= outcome


def test_outcomes_of_five_replicates() -> None:
    outcomes = {(h, f): decide(Tally(holds=h, fails=f, open=5 - h - f), at(5)) for h in range(6) for f in range(6 - h)}
    assert [key for key, outcome in outcomes.items() if outcome == "upheld"] == [(5, 0)]
    assert [key for key, outcome in outcomes.items() if outcome == "refuted"] == [(0, 5)]


def test_extending_until_decided_would_break_the_seed_level() -> None:
    """5, 9, 12, 15, 20 replicates, looked at until upheld: the reason why replicates are never added."""
    analyses = [5, 9, 12, 15, 20]
    alive, upheld, errors = {0: 1.0}, 0.0, []
    for before, now in zip([0, *analyses], analyses, strict=False):
        r = at(now).r
        assert r is not None
        grown: dict[int, float] = {}
        for breaks, chance in alive.items():
            for more in range(now - before + 1):
                ways = comb(now - before, more) * 0.5 ** (now - before)
                grown[breaks + more] = grown.get(breaks + more, 0.0) + chance * ways
        upheld += sum(chance for breaks, chance in grown.items() if breaks <= r)
        alive = {breaks: chance for breaks, chance in grown.items() if breaks > r}
        errors.append(round(100 * upheld, 1))
    assert errors == [3.1, 4.1, 4.8, 5.4, 6.2]


def test_rounds() -> None:
    assert share_after_rounds(0.5, 1) == 0.5
    assert share_after_rounds(0.1, 2) == pytest.approx(0.19)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        levels(replicates=5, share=0.6, alpha=ALPHA, decisions=1)
    with pytest.raises(ValueError, match="alpha"):
        minimum_replicates(0.5, 0.0)
    with pytest.raises(ValueError, match="at least one replicate"):
        levels(replicates=5, share=0.5, alpha=ALPHA, decisions=0)
    with pytest.raises(ValueError, match="5 replicates, not for 4"):
        decide(Tally(holds=4, fails=0, open=0), at(5))
    with pytest.raises(ValueError, match="negative"):
        Tally(holds=-1, fails=0, open=0)


def test_real_cutoffs_compose_to_the_stated_error() -> None:
    """Half of the replicates just break, identical items over seeds: 3.9, 4.3, 4.9 % false upheld at most."""
    claim = at(5)
    assert claim.s is not None
    cutoffs = {40: 2, 100: 11, 200: 28}
    errors = [claim.s + (1 - claim.s) * at_most(k, n, 0.2) for n, k in cutoffs.items()]
    assert [round(100 * error, 1) for error in errors] == [3.9, 4.3, 4.9]


@pytest.mark.parametrize(("replicates", "percent"), [(5, 9.86), (6, 21.4), (8, 37.5), (9, 14.2)])
def test_levels_of_own_items(replicates: int, percent: float) -> None:
    found = at(replicates, items="own")
    assert 100 * found.intact_level == pytest.approx(percent, abs=0.05 if percent > 10 else 0.005)
    shared = at(replicates)
    assert (found.r, found.s, found.r_fail, found.s_fail) == (shared.r, shared.s, shared.r_fail, shared.s_fail)


@pytest.mark.parametrize("share", SHARES)
def test_own_items_spend_alpha_and_no_more(share: float) -> None:
    """Every S, every true share on the null side: independent replicates, each misjudged by itself."""
    decidable = 0
    for replicates in range(3, 41):
        own = at(replicates, share, items="own")
        if own.r is None or own.r_fail is None:
            continue
        decidable += 1
        misjudged = own.decisions * own.broken_level
        false_upheld = [at_most(own.r, replicates, p * (1 - own.intact_level)) for p in np.linspace(share, 1, 25)]
        sure = replicates - own.r_fail
        false_refuted = [at_least(sure, replicates, p + (1 - p) * misjudged) for p in np.linspace(0, share, 25)]
        assert max(false_upheld) == false_upheld[0] == pytest.approx(ALPHA, abs=1e-9)
        assert max(false_refuted) == false_refuted[-1] == pytest.approx(ALPHA, abs=1e-9)
        assert at_most(own.r, replicates, share * (1 - own.intact_level - 1e-6)) > ALPHA
    assert decidable == 41 - minimum_replicates(share, ALPHA)


@pytest.mark.parametrize(("alpha", "share", "replicates"), [(0.15, 0.1, 38), (0.2, 0.25, 13), (0.4, 0.5, 4)])
def test_a_level_of_own_items_is_one_that_a_dose_can_be_decided_at(alpha: float, share: float, replicates: int) -> None:
    own = levels(replicates=replicates, share=share, alpha=alpha, decisions=1, items="own")
    assert own.r is not None
    assert own.intact_level == 0.499
    assert intact_cutoff(100, 0.2, own.intact_level) is not None
    assert at_most(own.r, replicates, share * (1 - own.intact_level)) <= alpha


@pytest.mark.parametrize(("replicates", "error"), [(5, 0.13), (8, 0.38)])
def test_the_levels_of_own_items_would_err_with_shared_ones(replicates: int, error: float) -> None:
    """All replicates break and read the same items: one misreading upholds them all."""
    own = at(replicates, items="own")
    assert own.s is not None
    assert own.s + (1 - own.s) * own.intact_level == pytest.approx(error, abs=0.007)


@pytest.mark.parametrize("share", SHARES)
def test_tasks_of_both_kinds_err_no_more_than_tasks_of_one(share: float) -> None:
    """Of the replicates some are truly worse on a task of shared items, the others on one of their own.

    What is misjudged on shared items may depend as it will, so their number is bounded by Markov's inequality.
    """
    for replicates in range(minimum_replicates(share, ALPHA), 41, 3):
        shared, own = at(replicates, share), at(replicates, share, items="own")
        assert own.r is not None
        assert own.r_fail is not None
        for part in np.linspace(0, 1, 11):
            on_shared, on_own = share * part, share * (1 - part) * (1 - own.intact_level)
            law = stats.multinomial(replicates, [on_shared, on_own, 1 - on_shared - on_own])
            upheld = sum(
                law.pmf([few, more, replicates - few - more])
                * (1 if few + more <= own.r else min(1, few * shared.intact_level / (few + more - own.r)))
                for more in range(own.r + 1)
                for few in range(replicates - more + 1)
            )  # fmt: skip
            assert upheld <= ALPHA + 1e-9
            by_own, by_shared = (
                of.decisions * of.broken_level * size for of, size in ((own, 1 - part), (shared, part))
            )
            missing = [replicates - own.r_fail - fails for fails in range(replicates + 1)]
            refuted = sum(
                stats.binom.pmf(fails, replicates, share + (1 - share) * by_own)
                * (1 if lack <= 0 else min(1, (replicates - fails) * by_shared / lack))
                for fails, lack in enumerate(missing)
            )
            assert refuted <= ALPHA + 1e-9


@pytest.mark.parametrize("items", ["shared", "own"])
def test_descriptive_levels_decide_nothing_however_many_replicates(items: Items) -> None:
    none = descriptive_levels(replicates=40, share=0.5, alpha=ALPHA, decisions=18, items=items)
    assert not none.decidable
    assert (none.r, none.s, none.r_fail, none.s_fail, none.items) == (None, None, None, None, items)
    assert none.intact_level == pytest.approx(3 * ALPHA / 8)
    assert none.broken_level == pytest.approx(3 * ALPHA / (8 * 18))
    assert decide(Tally(holds=40, fails=0, open=0), none) == "undecided"
    assert at(3, items=items) == descriptive_levels(replicates=3, share=0.5, alpha=ALPHA, decisions=18, items=items)


@pytest.mark.parametrize("items", ["shared", "own"])
@pytest.mark.parametrize("replicates", [3, 5, 6, 9, 20])
def test_the_limit_of_the_share_covers_it(replicates: int, items: Items) -> None:
    """The chance that the limit lies below the true share, at the worst dependence, or with independent replicates."""
    claim = at(replicates, items=items)
    limits = [break_share_limit(x, claim) for x in range(replicates + 1)]
    for p in np.linspace(0.01, 0.99, 50):
        below = [x for x, limit in enumerate(limits) if limit is not None and limit < p]
        if not below:
            continue
        if items == "own":
            missed = at_most(below[-1], replicates, p * (1 - claim.intact_level))
        else:
            missed = outcome_chances(p, claim, claim.intact_level, below[-1], breaks=True)
        assert missed <= ALPHA + 1e-9


def test_the_limit_of_the_share_is_at_most_1_on_own_items() -> None:
    own = at(8, items="own")
    assert own.r is not None
    assert break_share_limit(own.r, own) == pytest.approx(0.5)
    assert break_share_limit(8, own) == 1.0
