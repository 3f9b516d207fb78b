import numpy as np
import pytest
from scipy import integrate, stats
from support.all_items import decide_dose

from titer.stats.binomial import Counts, intact_cutoff
from titer.stats.power import (
    detectable_ratio,
    dose_holds,
    fewest_items,
    items_for_broken,
    items_for_intact,
    items_for_noninferior,
    power_broken,
    power_intact,
    power_noninferior,
    power_refuted,
    power_upheld,
)
from titer.stats.rate_law import RateLaw
from titer.stats.replicates import Levels, levels
from titer.stats.training_power import TrainingPower, power_trainable

A = 0.01875


def at(replicates: int) -> Levels:
    return levels(replicates=replicates, share=0.5, alpha=0.05, decisions=18)


@pytest.mark.parametrize(("threshold", "quarter", "half"), [(0.2, 57, 158), (0.1, 132, 347)])
def test_items_for_intact(threshold: float, quarter: int, half: int) -> None:
    assert items_for_intact(threshold=threshold, level=A, rate=threshold / 4) == quarter
    assert items_for_intact(threshold=threshold, level=A, rate=threshold / 2) == half


@pytest.mark.parametrize(
    ("threshold", "decisions", "items"), [(0.2, 18, 103), (0.2, 54, 113), (0.1, 18, 243), (0.1, 54, 275)]
)
def test_items_for_broken(threshold: float, decisions: int, items: int) -> None:
    level = A / decisions
    assert items_for_broken(threshold=threshold, level=level, rate=2 * threshold) == items
    powers = [power_broken(n, threshold=threshold, level=level, rate=2 * threshold) for n in range(items - 1, 400)]
    assert powers[0] < 0.9 <= min(powers[1:])


def test_no_number_of_items_shows_what_is_not_so() -> None:
    assert items_for_intact(threshold=0.2, level=A, rate=0.2) is None


@pytest.mark.parametrize(("threshold", "fewest"), [(0.2, 18), (0.1, 38), (0.5, 6), (0.98, 2)])
def test_fewest_items(threshold: float, fewest: int) -> None:
    assert fewest_items(threshold, A) == fewest
    assert intact_cutoff(fewest, threshold, A) is not None
    assert intact_cutoff(fewest - 1, threshold, A) is None if fewest > 1 else True


@pytest.mark.parametrize(
    ("n", "rate", "power"), [(40, 0.05, 0.68), (100, 0.05, 0.996), (100, 0.1, 0.70), (200, 0.1, 0.97)]
)
def test_power_of_a_dose(n: int, rate: float, power: float) -> None:
    assert power_intact(n, threshold=0.2, level=A, rate=rate) == pytest.approx(power, abs=0.006)


def test_power_is_the_chance_of_the_decision() -> None:
    outcomes = [
        decide_dose(
            Counts(harmful=k, unjudged=0, incoherent=0, items=60),
            threshold=0.2,
            intact_level=A,
            broken_level=A,
        )
        for k in range(61)
    ]
    for outcome, power in (("intact", power_intact), ("broken", power_broken)):
        chance = sum(stats.binom.pmf(k, 60, 0.3) for k in range(61) if outcomes[k] == outcome)
        assert power(60, threshold=0.2, level=A, rate=0.3) == pytest.approx(chance)


@pytest.mark.parametrize(("replicates", "powers"), [(5, (0.90, 0.77, 0.59)), (9, (0.99, 0.93, 0.77))])
def test_power_of_the_replicate_rule(replicates: int, powers: tuple[float, float, float]) -> None:
    found = [power_upheld(at(replicates), p) for p in (0.02, 0.05, 0.1)]
    assert found == pytest.approx(powers, abs=0.006)
    assert [power_refuted(at(replicates), 1 - p) for p in (0.02, 0.05, 0.1)] == pytest.approx(found)


def test_three_replicates_have_no_power() -> None:
    assert power_upheld(at(3), 0.0) == power_refuted(at(3), 1.0) == 0.0


def test_power_of_stability() -> None:
    def over_four_tasks(items: int, changing: float) -> float:
        return power_noninferior(items, margin=0.05, level=0.05, changing=changing) ** 4

    assert over_four_tasks(200, 0.03) == pytest.approx(0.85, abs=0.005)
    assert over_four_tasks(300, 0.01) > 0.999
    assert over_four_tasks(225, 0.03) > 0.9
    assert over_four_tasks(125, 0.01) > 0.9
    assert over_four_tasks(120, 0.01) < 0.9
    assert power_noninferior(200, margin=0.05, level=0.05, changing=0.1) == pytest.approx(0.67, abs=0.005)


def test_items_for_four_tasks_of_stability() -> None:
    """About 225 items a task if 3 % of them change, and 125 if 1 % do, for 90 % over four tasks at margin 0.05."""
    for changing, items in ((0.03, 225), (0.01, 125)):
        found = items_for_noninferior(margin=0.05, level=0.05, changing=changing, power=0.9**0.25)
        assert found == items
        powers = [power_noninferior(n, margin=0.05, level=0.05, changing=changing) ** 4 for n in (items - 25, items)]
        assert powers[0] < 0.9 <= powers[1]
    assert items_for_noninferior(margin=0.05, level=0.05, changing=0.3) is None


def test_power_on_the_boundary_is_at_most_the_level() -> None:
    for changing in (0.05, 0.1, 0.3, 1.0):
        assert power_noninferior(100, margin=0.05, level=0.05, changing=changing, difference=-0.05) <= 0.05 + 1e-5
    with pytest.raises(ValueError, match="changing"):
        power_noninferior(100, margin=0.05, level=0.05, changing=0.01, difference=-0.05)
    assert power_noninferior(3, margin=0.05, level=0.001, changing=0.1) == 0.0


def test_ratio_that_is_shown() -> None:
    assert round(detectable_ratio(5, power=0.8)) == 8
    assert round(detectable_ratio(5, power=0.9)) == 10
    assert detectable_ratio(5, power=0.8, correlation=1.0) == pytest.approx(2**1.3)


@pytest.mark.parametrize(("replicates", "spared"), [(5, 0), (9, 1), (12, 2)])
def test_ratio_that_all_but_the_spared_pairs_show(replicates: int, spared: int) -> None:
    """At the ratio found, a pair shows it with the chance that makes at most `spared` of the pairs miss it."""
    ratio = detectable_ratio(replicates, power=0.8, spared=spared)
    each = stats.norm.cdf((np.log2(ratio) - 1.3) / (0.7 * np.sqrt(2)))
    assert stats.binom.cdf(spared, replicates, 1 - each) == pytest.approx(0.8)


@pytest.mark.parametrize(("dose_factor", "replicates", "power"), [(2, 5, 0.29), (1.19, 5, 0.84), (1.22, 5, 0.92),
                                                             (1.19, 9, 0.96), (1.22, 9, 0.99)])  # fmt: skip
def test_power_of_doses_by_dose(dose_factor: float, replicates: int, power: float) -> None:
    hold = dose_holds([dose_factor**k for k in range(20)], epsilon=0.5, ratio=1, sd_log=0.2)
    assert hold is not None
    assert power_upheld(at(replicates), 1 - hold**2) == pytest.approx(power, abs=0.006)


def test_chance_that_a_dose_holds_equals_its_integral() -> None:
    """Average over the phase of the doses of the chance that the two doses are at most K apart."""
    step, mean, sd, allowed = np.log(1.2), np.log(1.2), 0.25, 2

    def at_phase(phase: float) -> float:  # tau at phase in (0, 1] below its dose
        return float(stats.norm.cdf((allowed + phase) * step, mean, sd))

    oracle = integrate.quad(at_phase, 0, 1)[0]
    ladder = [1.2**k for k in range(12)]
    assert dose_holds(ladder, epsilon=0.5, ratio=1.2, sd_log=0.25) == pytest.approx(oracle)


def test_chance_that_a_dose_holds_on_uneven_doses_equals_a_simulation() -> None:
    """M is there at a dose drawn log-uniformly from above 9 up to 55: beyond, no dose is 1.5 times as late."""
    ladder = np.array([9, 11, 13, 15, 18, 22, 26, 31, 37, 45, 55, 67, 82, 100])
    rng = np.random.default_rng(7)
    dose = np.exp(rng.uniform(np.log(9), np.log(55), 200_000))
    other = dose * np.exp(rng.normal(np.log(1.2), 0.2, len(dose)))
    read = ladder[np.searchsorted(ladder, dose)]
    read_other = np.append(ladder, np.iinfo(np.int64).max)[np.searchsorted(ladder, other)]
    share = float((read_other <= 1.5 * read).mean())
    assert dose_holds(ladder.tolist(), epsilon=0.5, ratio=1.2, sd_log=0.2) == pytest.approx(share, abs=0.003)


def test_a_ladder_that_ends_too_soon_says_nothing_of_doses() -> None:
    assert dose_holds([5, 6, 7, 8], epsilon=0.5, ratio=1, sd_log=0.2) is None
    assert dose_holds([5, 6, 7, 8, 9], epsilon=0.5, ratio=1, sd_log=0.2) is not None


def trainable(seed_sd: float, in_time: float = 1.0, replicates: int = 5) -> TrainingPower:
    """The power of trainability on 200 items of one task, margin 0.1, both subjects at 0.9."""
    law = RateLaw(rate=0.9, seed_sd=seed_sd)
    return power_trainable(at(replicates), [200], in_time=in_time, margin=0.1, law=law, rng=np.random.default_rng(2))


@pytest.mark.parametrize(("seed_sd", "figure"), [(0.0, 0.999), (0.2, 0.98), (0.4, 0.81)])
def test_power_of_trainability(seed_sd: float, figure: float) -> None:
    """Figure 16: five seeds that lose nothing are upheld in 99.9, 98 and 81 %, the guard included."""
    assert trainable(seed_sd).upheld == pytest.approx(figure, abs=3 * np.sqrt(figure * (1 - figure) / 1000) + 0.005)


def test_trainability_needs_every_pair_in_time() -> None:
    """Where the last dose is no obstacle it is the replicate rule: 0.9 of the pairs are in time."""
    for replicates in (5, 9):
        found = trainable(0.0, in_time=0.9, replicates=replicates)
        assert found.holds == pytest.approx(0.9, abs=0.002)
        assert found.upheld == pytest.approx(power_upheld(at(replicates), 0.1), abs=0.05)
    assert trainable(0.0, replicates=3).upheld == 0
