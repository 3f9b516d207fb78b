"""The least favorable laws: the searches against simulation and against each other, and the figures they rest on."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from support import ROOT

from titer.stats.binomial import broken_cutoff, intact_cutoff

sys.path.insert(0, str(ROOT))

from benchmarks.calibration import least_favourable_exposure as exposure
from benchmarks.calibration import least_favourable_method as method
from benchmarks.calibration import least_favourable_own as own
from benchmarks.calibration import least_favourable_tasks as tasks
from benchmarks.calibration import setting
from benchmarks.calibration.least_favourable import Least, few_hold_not, search
from benchmarks.calibration.least_favourable_page import render_least


def largest(found: list[Least], outcome: str = "upheld") -> dict[str, float]:
    return {one.setting: round(100 * one.rate, 2) for one in found if one.outcome == outcome}


def test_shared_items_err_most_where_all_are_common() -> None:
    found = exposure.shared_upheld()
    assert all(one.passes for one in found)
    assert all("100 % common" in one.attained for one in found)
    half = [largest(found)[f"S = {number}, q = 0.5"] for number in (5, 6, 8, 9, 12)]
    assert half == [4.94, 4.95, 4.98, 3.45, 2.93]


def test_refuted_keeps_its_level_with_shared_items() -> None:
    assert all(one.passes for one in exposure.shared_refuted())


def test_a_share_of_common_items_is_reckoned_as_it_is_simulated() -> None:
    """S = 9, r = 1, 60 items of which 30 are common, all replicates break: one reading each."""
    at, rng, studies = exposure.claim(9, 0.5), setting.generator("common"), 100_000
    assert exposure.upheld_rate(at, 60, 0.5, 1.0) < exposure.upheld_rate(at, 60, 0.5, 0.5)
    common = rng.binomial(30, setting.THRESHOLD, (studies, 1))
    counts = common + rng.binomial(30, setting.THRESHOLD, (studies, 9))
    breaks = rng.random((studies, 9)) < 0.5
    cutoff = intact_cutoff(60, setting.THRESHOLD, at.intact_level) or 0
    upheld = ((breaks & (counts > cutoff)).sum(axis=1) <= (at.r or 0)).mean()
    assert upheld == pytest.approx(float(exposure.upheld_rate(at, 60, 0.5, 0.5)), abs=5 * 0.14 / studies**0.5)


def test_refuted_is_reckoned_as_it_is_simulated() -> None:
    """S = 5, 40 items of which 20 are common, one reading; the level is raised so that there is something to count."""
    at, rng, studies = replace(exposure.claim(5, 0.5, readings=2), broken_level=0.2), setting.generator("ref"), 100_000
    common = rng.binomial(20, setting.THRESHOLD, (studies, 1, 2))
    counts = common + rng.binomial(20, setting.THRESHOLD, (studies, 5, 2))
    cutoff = broken_cutoff(40, setting.THRESHOLD, 0.2) or 0
    fails = (rng.random((studies, 5)) < 0.5) | (counts >= cutoff).any(axis=-1)
    refuted = fails.all(axis=1).mean()
    assert refuted == pytest.approx(exposure.refuted_rate(at, 40, 0.5), abs=5 * 0.35 / studies**0.5)


def test_laws_of_three_points_contain_those_of_two() -> None:
    at = exposure.claim(5, 0.5)
    for common in (0.0, 0.5, 1.0):
        two = float(exposure.upheld_rate(at, 60, common, 0.5))
        same = exposure.three_point_rate(at, 60, np.array([0, 0.3, setting.THRESHOLD, setting.THRESHOLD, common]))
        one_kind = exposure.three_point_rate(at, 60, np.array([0, 0, setting.THRESHOLD, 0.4, common]))
        assert same == pytest.approx(two, abs=1e-12)
        assert one_kind == pytest.approx(two, abs=1e-12)
        worse = exposure.three_point_rate(at, 60, np.array([0, 0.5, setting.THRESHOLD, 0.3, common]))
        assert worse < two


def test_two_kinds_of_breaks_are_worse_than_one_where_replicates_may_break() -> None:
    """With r = 0 nothing is worse than identical items; with r = 2 misreadings that exclude each other are."""
    for replicates, worse in ((5, False), (12, True)):
        at = exposure.claim(replicates, 0.5)
        one = float(few_hold_not(at, 0.5) + (1 - few_hold_not(at, 0.5)) * at.intact_level)
        assert exposure.kinds_rate(at, np.array([0, 0, 1, 0, 0])) == pytest.approx(one)
        assert (exposure.kinds_rate(at, np.array([0, 0.06, 1, 1, 0])) > one) == worse
    assert all(one.passes for one in exposure.kinds())


def test_own_items_err_with_at_most_five_percent() -> None:
    found = own.own_items()
    assert all(one.passes for one in found)
    bounds = [one.rate for one in found if one.searched.endswith("the bound")]
    assert bounds == pytest.approx([0.05, 0.05], abs=1e-9)
    assert max(one.rate for one in found if one.outcome == "upheld") > 0.0499
    assert own.misused()["S = 8, a tenth of the items shared"] == pytest.approx(0.061, abs=0.001)


def test_interim_analyses_err_within_their_levels() -> None:
    assert all(one.passes for one in own.looks())


def test_trainability_errs_at_the_seed_level_alone() -> None:
    found = tasks.trainings()
    assert all(one.passes for one in found)
    assert largest(found)["S = 5, q = 0.5"] == 3.12


def test_stability_keeps_its_level() -> None:
    for found in (tasks.losses(), method.upheld(), method.refuted(), method.own_items()):
        assert all(one.passes for one in found)
    assert largest(method.upheld())["S = 5, q = 0.5"] == 4.9
    assert 4.9 < largest(method.own_items())["S = 5, q = 0.5"] <= 5
    assert 100 * tasks.size(100, 0.05, 0.05)[0] == pytest.approx(4.61, abs=0.005)


def test_common_changes_are_reckoned_as_the_ends_are() -> None:
    at = exposure.claim(5, 0.5, readings=1)
    each, gain = tasks.size(100, tasks.MARGIN, at.intact_level)
    assert method.partly_common(5, 0.0, gain) == pytest.approx(float(few_hold_not(at, 0.5 * (1 - each))), abs=1e-9)
    all_common = float(few_hold_not(at, 0.5) + (1 - few_hold_not(at, 0.5)) * each)
    assert method.partly_common(5, 1.0, gain) == pytest.approx(all_common, abs=1e-9)
    rates = [method.partly_common(5, common, gain) for common in (0.0, 0.5, 1.0)]
    assert rates == sorted(rates)


@pytest.mark.slow
def test_every_search_keeps_its_limit() -> None:
    for found in (exposure.three_points(), tasks.checkpoint(), method.three_points()):
        assert all(one.passes for one in found)


def test_the_search_reaches_corners() -> None:
    rate, place = search(lambda law: float(law[0] - law[1]), np.zeros(2), np.ones(2))
    assert rate == pytest.approx(1)
    assert place.tolist() == [1.0, 0.0]


def test_what_is_beyond_its_limit_is_said() -> None:
    row = Least(
        condition="c", setting="s", outcome="upheld", searched="nothing", rate=0.051, attained="nowhere", limit=0.05
    )
    assert "**no**" in render_least([row])
