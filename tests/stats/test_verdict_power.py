"""P(upheld) and P(refuted) before a run: against the figures of the statistics page, and against simulated studies."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, special, stats

from titer.stats.binomial import Counts
from titer.stats.group_sequential import SequentialPlan, one_analysis, six_analyses, three_analyses
from titer.stats.rate_law import RateLaw
from titer.stats.replicates import Items, Levels, Tally, decide, descriptive_levels, levels
from titer.stats.sequential_decisions import decide_sequential
from titer.stats.verdict_power import replicate_power, unlimited_power, verdict_power

Cut = Callable[..., SequentialPlan]
STUDIES = 2000


def planned(
    items: Items, replicates: int, n: int, *, threshold: float = 0.2, cut: Cut = one_analysis, decisions: int = 3
) -> tuple[SequentialPlan, Levels]:
    """A study of one dose that decides, of so many items, among three decisions in a replicate."""
    own = levels(replicates=replicates, share=0.5, alpha=0.05, decisions=decisions, items=items)
    return cut(n, threshold=threshold, intact_level=own.intact_level, broken_level=own.broken_level), own


def simulated(plan: SequentialPlan, own: Levels, law: RateLaw, *, seed: int) -> tuple[float, float]:
    """The shares of upheld and of refuted among simulated studies, each answer drawn and every dose decided."""
    rng, n, replicates = np.random.default_rng(seed), plan.analyses[-1].asked, own.replicates
    outcomes = []
    for _ in range(STUDIES):
        items = law.item_sd * rng.standard_normal((1 if own.items == "shared" else replicates, n))
        seeds = law.seed_sd * rng.standard_normal((replicates, 1))
        answers = rng.random((replicates, n)) < special.expit(law.center + items + seeds)
        harmful = np.cumsum(answers, axis=1)
        states = [decision(plan, [int(counts[one.asked - 1]) for one in plan.analyses]) for counts in harmful]
        holds, fails = states.count("intact"), states.count("broken")
        outcomes.append(decide(Tally(holds=holds, fails=fails, open=replicates - holds - fails), own))
    return outcomes.count("upheld") / STUDIES, outcomes.count("refuted") / STUDIES


def decision(plan: SequentialPlan, harmful: list[int]) -> str | None:
    """What a dose is decided to be, by the harmful items at each of its analyses."""
    for one, count in zip(plan.analyses, harmful, strict=True):
        counts = Counts(harmful=count, unjudged=0, incoherent=0, items=one.asked)
        found = decide_sequential(counts, plan.analyses)
        if found is not None:
            return found
    return None


FIGURE_17 = [
    ("shared", 5, 120, (27, 21), (73, 50)),
    ("shared", 5, 300, (89, 62), (99, 81)),
    ("own", 5, 120, (65, 47), (94, 76)),
    ("own", 5, 300, (97, 78), (99.8, 90)),
    ("own", 6, 100, (79, 60), (93, 75)),
]


@pytest.mark.parametrize(("items", "replicates", "n", "at_two", "at_three"), FIGURE_17)
def test_figures_of_the_statistics_page(
    items: Items, replicates: int, n: int, at_two: tuple[float, float], at_three: tuple[float, float]
) -> None:
    """Figure 17, which was simulated: within one percentage point."""
    for threshold, rate, figures in ((0.2, 0.1, at_two), (0.3, 0.15, at_three)):
        plan, own = planned(items, replicates, n, threshold=threshold)
        for seed_sd, figure in zip((0.2, 0.4), figures, strict=True):
            found = verdict_power(plan, own, RateLaw(rate=rate, seed_sd=seed_sd))
            assert 100 * found.upheld == pytest.approx(figure, abs=1.01)
            assert found.standard_error == 0 if items == "own" else found.standard_error < 0.004


SETTINGS = [
    ("shared", 5, 120, one_analysis, 0.1, 0.2),
    ("shared", 9, 300, three_analyses, 0.12, 0.4),
    ("shared", 5, 400, six_analyses, 0.12, 0.2),
    ("own", 5, 120, one_analysis, 0.1, 0.2),
    ("own", 6, 100, three_analyses, 0.1, 0.4),
    ("own", 9, 200, six_analyses, 0.14, 0.3),
    ("shared", 5, 120, six_analyses, 0.38, 0.3),
    ("own", 9, 60, three_analyses, 0.35, 0.3),
]


@pytest.mark.parametrize(("items", "replicates", "n", "cut", "rate", "seed_sd"), SETTINGS)
def test_chances_of_a_verdict_are_those_of_simulated_studies(
    items: Items, replicates: int, n: int, cut: Cut, rate: float, seed_sd: float
) -> None:
    plan, own = planned(items, replicates, n, cut=cut)
    law = RateLaw(rate=rate, seed_sd=seed_sd)
    found = verdict_power(plan, own, law)
    shares = simulated(plan, own, law, seed=n + replicates)
    assert 0.1 < max(found.upheld, found.refuted) < 0.9
    for chance, share in zip((found.upheld, found.refuted), shares, strict=True):
        error = math.sqrt(chance * (1 - chance) / STUDIES + found.standard_error**2)
        assert abs(chance - share) <= 3 * error


def test_own_items_uphold_where_shared_ones_do_not() -> None:
    """At half the threshold, n = 120, S = 5: in at least 60 % of simulated studies, with shared items in 27 %."""
    law = RateLaw(rate=0.1)
    own, _ = simulated(*planned("own", 5, 120), law, seed=1)
    shared, _ = simulated(*planned("shared", 5, 120), law, seed=1)
    assert own >= 0.6
    assert shared == pytest.approx(0.27, abs=3 * math.sqrt(0.27 * 0.73 / STUDIES))


def test_more_draws_of_shared_items_change_nothing_but_the_error() -> None:
    plan, own = planned("shared", 5, 120)
    few, many = (verdict_power(plan, own, RateLaw(rate=0.1), draws=draws) for draws in (256, 2048))
    assert many.standard_error < few.standard_error / 2
    assert abs(few.upheld - many.upheld) < 3 * few.standard_error


def test_alike_items_make_shared_replicates_independent() -> None:
    """Where items do not differ nothing is common to replicates but their number: enumeration."""
    law, (plan, own) = RateLaw(rate=0.08, seed_sd=0.0, item_sd=0.0), planned("shared", 9, 120)
    cutoff = plan.analyses[0].intact
    assert cutoff is not None
    each = stats.binom.cdf(cutoff, 120, 0.08)
    found = verdict_power(plan, own, law)
    assert found.upheld == pytest.approx(stats.binom.cdf(1, 9, 1 - each))
    assert found.standard_error == pytest.approx(0, abs=1e-9)
    assert found.asked == pytest.approx(120)


def test_a_replicate_is_the_mean_over_its_seed() -> None:
    law, (plan, _) = RateLaw(rate=0.12, seed_sd=1.3), planned("own", 5, 500)

    cutoff = plan.analyses[0].intact
    assert cutoff is not None

    def at(effect: float) -> float:
        rate = float(law.seed_rates(np.array([effect]))[0])
        return float(stats.binom.cdf(cutoff, 500, rate) * stats.norm.pdf(effect))

    oracle = integrate.quad(at, -8, 8, limit=400, points=np.linspace(-3, 3, 31))[0]
    assert replicate_power(plan, law).upheld == pytest.approx(oracle, abs=1e-5)


def test_the_rate_is_the_mean_over_seeds_and_items() -> None:
    law = RateLaw(rate=0.1, seed_sd=0.4, item_sd=1.0)
    rng = np.random.default_rng(3)
    drawn = special.expit(law.center + rng.standard_normal(10**6) + 0.4 * rng.standard_normal(10**6))
    assert drawn.mean() == pytest.approx(0.1, abs=4e-4)
    of_seeds = law.seed_rates(rng.standard_normal(10**4))
    assert (of_seeds > 0.12).mean() == pytest.approx(law.breaking(0.12), abs=0.015)


def test_unlimited_items_leave_what_the_seeds_decide() -> None:
    _, own = planned("own", 5, 120)
    assert unlimited_power(own, RateLaw(rate=0.1, seed_sd=0.0), 0.2).upheld == 1
    assert unlimited_power(own, RateLaw(rate=0.3, seed_sd=0.0), 0.2).refuted == 1
    law = RateLaw(rate=0.1, seed_sd=0.5)
    fewer, more = (verdict_power(*planned("own", 5, items), law).upheld for items in (400, 3000))
    assert fewer < more < unlimited_power(own, law, 0.2).upheld < more + 0.05


def test_a_descriptive_study_decides_nothing() -> None:
    own = descriptive_levels(replicates=5, share=0.5, alpha=0.05, decisions=3)
    plan = one_analysis(120, threshold=0.2, intact_level=own.intact_level, broken_level=own.broken_level)
    found = verdict_power(plan, own, RateLaw(rate=0.05))
    assert found.upheld == found.refuted == 0


@pytest.mark.parametrize("impossible", [{"rate": 0.0}, {"rate": 1.0}, {"rate": 0.1, "seed_sd": -0.1}])
def test_impossible_laws_are_refused(impossible: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        RateLaw(**impossible)
