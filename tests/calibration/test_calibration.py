"""The calibration in a reduced form: every configuration, the enumerations, the searches, the page."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration.real_studies import ATTACK_LADDER
from support import ROOT

from titer.stats.search.points import TrialPoint
from titer.stats.search.selection import winner
from titer.stats.search.trials import Search, Trial

sys.path.insert(0, str(ROOT))

from benchmarks.calibration import __main__ as command
from benchmarks.calibration import comparison_size, early_decision, limits, page, replicate_rule, setting
from benchmarks.calibration.configuration import Configuration, Falsehood
from benchmarks.calibration.configurations import CONFIGURATIONS
from benchmarks.calibration.draws import draw
from benchmarks.calibration.exposure_draws import SELECT_ITEMS, harmful_by_analysis, harmful_items, winners
from benchmarks.calibration.kept import calibrate_once
from benchmarks.calibration.laws import ALIKE, ITEM_EFFECTS, SeedLaw, center, count_law, final_answers, most_lost
from benchmarks.calibration.mean_rule import mean_rules
from benchmarks.calibration.power_tables import Powers
from benchmarks.calibration.study import Results
from benchmarks.calibration.truths import ABOVE, Change, Exposure, Learning, Truth
from benchmarks.calibration.verdicts import Calibrated, calibrate, cut

STUDIES = 1000


def _loosely_within(found: Calibrated) -> bool:
    """Within four standard errors of the limit: the number of simulated studies is small."""
    n = found.counted.studies
    return all(
        found.counted.of(f.part, f.outcome) <= n * (f.limit + 4 * math.sqrt(f.limit * (1 - f.limit) / n)) + 1
        for f in found.configuration.false
    )


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_false_outcomes_stay_within_their_limits(configuration: Configuration) -> None:
    found = calibrate(configuration, STUDIES)
    assert found.least_power > 0.96
    assert _loosely_within(found)


@pytest.mark.slow
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_configurations_pass(configuration: Configuration) -> None:
    assert calibrate(configuration, 20_000).passes


def test_the_configurations_are_false_of_what_they_say() -> None:
    """Upheld is called false where half of the trainings end beyond the margin or more, refuted where fewer do."""
    for configuration in CONFIGURATIONS:
        if configuration.boundary != ("trainability",):
            continue
        failing = max(max(task.slow, task.beyond) for task in configuration.truth.learning)
        false = {falsehood.outcome for falsehood in configuration.false}
        assert false == ({"upheld"} if failing > 0.5 - 1e-9 and configuration.name != "15e" else {"refuted"})
        assert failing <= 0.5001


def test_identical_items_give_equal_counts() -> None:
    rng = setting.generator("identical")
    rates = np.repeat(rng.random((50, 1)), 6, axis=1)
    same, apart = (harmful_items(rates, rng, identical=identical) for identical in (True, False))
    assert (same == same[:, :1]).all()
    assert (apart != apart[:, :1]).any()
    ordered = harmful_items(np.sort(rng.random((50, 6)), axis=1), rng, identical=True)
    assert (np.diff(ordered, axis=1) >= 0).all()
    ends = harmful_items(np.tile([0.0, 1.0], (50, 1)), rng, identical=True)
    assert (ends == [0, setting.ITEMS]).all()


@pytest.mark.parametrize("identical", [True, False])
def test_harmful_items_are_binomial(identical: bool) -> None:
    counts = harmful_items(np.full((20_000, 1), ABOVE), setting.generator("binomial"), identical=identical)
    sd = math.sqrt(setting.ITEMS * ABOVE * (1 - ABOVE))
    assert counts.mean() == pytest.approx(setting.ITEMS * ABOVE, abs=4 * sd / math.sqrt(20_000))
    assert counts.std() == pytest.approx(sd, rel=0.02)


def test_draws_have_the_truth_they_are_drawn_from() -> None:
    just = Exposure(share=0.5, peak=ABOVE)
    lost = Change(lost=0.175, gained=0.125)
    truth = Truth(defended=(just, just, just), stability=(lost,) * 4, unjudged=0.2)
    draws = draw(truth, 2000, setting.generator("truth"))
    harmful = draws.harmful[..., -1]
    assert (harmful[:, :, 1, :, 0, 3] > 11).mean() == pytest.approx(0.5 * (1 - 0.0126), abs=0.03)
    assert (harmful[:, :, 1, :, 1] <= 11).mean() > 0.9999
    assert draws.unjudged.sum() / harmful[:, :, 1].sum() == pytest.approx(0.2, abs=0.005)
    assert draws.lost.mean() / setting.TASK_ITEMS == pytest.approx(0.175, abs=0.002)
    assert draws.gained.mean() / setting.TASK_ITEMS == pytest.approx(0.125, abs=0.002)
    assert (draws.lost <= draws.right).all()
    some = Truth(method=True, stability=(Change(lost=0.5, gained=0.0, share=0.2), *truth.stability[1:]))
    bad = draw(some, 2000, setting.generator("some")).lost[:, 0] > 75
    assert bad.mean() == pytest.approx(0.2, abs=0.02)


def test_items_of_their_own_are_shared_within_replicates_only() -> None:
    just = Exposure(share=1.0, peak=ABOVE, elsewhere=ABOVE)
    harmful = {
        items: harmful_by_analysis(
            Truth(defended=(just, just, just), items=items, looks=6), 200, setting.generator("own", items)
        )[:, 0, 1]
        for items in ("identical", "own", "independent")
    }
    assert harmful["own"].shape == (200, 5, setting.ATTACKS, setting.DOSES, 6)
    assert (np.diff(harmful["own"], axis=-1) >= 0).all()
    for items, over_doses, over_replicates in (
        ("identical", True, True), ("own", True, False), ("independent", False, False),
    ):  # fmt: skip
        found = harmful[items]
        assert (found == found[:, :, :1, :1]).all() == over_doses
        assert (found == found[:, :1]).all() == over_replicates
        assert found[..., -1].mean() == pytest.approx(setting.ITEMS * ABOVE, abs=0.5)


@pytest.mark.parametrize("law", [ALIKE, SeedLaw(sd=0.4), SeedLaw(shape="skewed", sd=0.8)])
def test_final_rates_have_the_law_that_is_reckoned_with(law: SeedLaw) -> None:
    rng = setting.generator("laws", str(law))
    right = final_answers(rng, law, center(law, 0.8), (20_000, 1, setting.LEARNED_ITEMS)).sum(axis=-1)
    reckoned = count_law(law, center(law, 0.8))
    counts = np.arange(len(reckoned))
    assert reckoned.sum() == pytest.approx(1)
    assert reckoned @ counts / setting.LEARNED_ITEMS == pytest.approx(0.8)
    sd = math.sqrt(reckoned @ counts**2 - (reckoned @ counts) ** 2)
    assert right.mean() == pytest.approx(reckoned @ counts, abs=5 * sd / math.sqrt(len(right)))
    assert right.std() == pytest.approx(sd, rel=0.03)
    assert len(ITEM_EFFECTS) == setting.LEARNED_ITEMS
    assert most_lost() == 20


def test_half_of_the_trainings_end_beyond_the_margin() -> None:
    task = Learning(loss="half", seeds=SeedLaw(shape="skewed", sd=0.8), varies="M* alone")
    assert task.beyond == pytest.approx(0.5, abs=1e-6)
    final = draw(Truth(learning=(task, Learning())), 2000, setting.generator("half")).final[:, :, 0].sum(axis=-1)
    assert (final[:, 0] - final[:, 1] > most_lost()).mean() == pytest.approx(0.5, abs=0.02)


def test_winners_are_those_of_a_search() -> None:
    harmful = setting.generator("winners").binomial(SELECT_ITEMS, 0.13, (60, 8, setting.DOSES))
    for of_study, place in zip(harmful, winners(harmful), strict=True):
        trials = []
        for number, counts in enumerate(of_study):
            until = next((i for i, k in enumerate(counts) if k / SELECT_ITEMS > 0.2), setting.DOSES - 1)
            points = [
                TrialPoint(dose, int(k), SELECT_ITEMS)
                for dose, k in zip(ATTACK_LADDER[: until + 1], counts[: until + 1], strict=True)
            ]
            trials.append(Trial(number=number, round=0, configuration=str(number), points=tuple(points), utility=None))
        best = winner(Search(trials=tuple(trials), ladder=ATTACK_LADDER, threshold=0.2))
        assert best is not None
        assert best.number == place


def test_replicate_rule_keeps_alpha_whatever_the_dependence() -> None:
    found = replicate_rule.enumerate_replicates()
    assert {(one.share, one.replicates) for one in found} >= {(0.5, 5), (0.25, 13), (0.1, 33), (0.1, 40)}
    assert all(one.largest <= 0.05 + 1e-9 for one in found)
    assert all(one.upheld["independent"] <= one.upheld["worst"] + 1e-12 for one in found)
    five = next(one for one in found if (one.replicates, one.share) == (5, 0.5))
    a = 0.01875
    assert five.upheld["independent"] == pytest.approx(((1 + a) / 2) ** 5)
    assert five.upheld["identical"] == pytest.approx(1 / 32 + 31 / 32 * a)
    real = [replicate_rule.with_real_cutoff(items)["identical"] for items in (40, 100, 200)]
    assert [round(100 * error, 1) for error in real] == [3.9, 4.3, 4.9]


def test_limits_cover() -> None:
    assert all(limits.exact_limits(items).passes for items in limits.EXACT_ITEMS)
    assert all(limits.wilson_coverage(items).passes for items in limits.WILSON_ITEMS)
    five = limits.exact_limits(5)
    assert min(five.lower, five.upper) == pytest.approx(0.95, abs=1e-9)


def test_tango_keeps_its_size() -> None:
    for items, margin in ((40, 0.02), (40, 0.05), (100, 0.02), (100, 0.05), (200, 0.05)):
        assert comparison_size.tango_size(items, margin, "noninferior").passes
        assert comparison_size.tango_size(items, margin, "inferior").passes


def test_counts_are_kept_between_runs(tmp_path: Path) -> None:
    half = next(c for c in CONFIGURATIONS if c.name == "1")
    first = calibrate_once(half, 200, tmp_path)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    again = calibrate_once(half, 200, tmp_path)
    assert kept.stat().st_mtime_ns == before
    assert {part: counts.tolist() for part, counts in again.counted.decisions.items()} == {
        part: counts.tolist() for part, counts in first.counted.decisions.items()
    }
    calibrate_once(half, 100, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_false_outcome_beyond_its_cut_is_said() -> None:
    half = next(c for c in CONFIGURATIONS if c.name == "1")
    strict = replace(half, false=(Falsehood(part="verdict", outcome="upheld", limit=1e-4),))
    found = calibrate(strict, 200)
    assert not found.passes
    assert "**no**" in page.render_verdicts([found])
    assert (cut(200_000, 0.05), cut(2000, 0.05)) == (10_194, 119)


def test_the_page_names_what_is_beyond_its_limit() -> None:
    found = Results(
        studies=200,
        outcomes=[calibrate(configuration, 200) for configuration in CONFIGURATIONS[:2]],
        replicates=replicate_rule.enumerate_replicates(),
        exact=[limits.exact_limits(10)],
        wilson=[limits.wilson_coverage(40)],
        titers=[],
        ratios=[],
        tango=[comparison_size.tango_size(40, 0.05, "noninferior")],
        least=[],
        means=mean_rules(100),
        powers=Powers(exposure=[], replicates=[], stability=[], doses=[], trainings=[], spreads=[]),
        early=[],
    )
    text = page.render(found, "python -m benchmarks.calibration")
    assert "Beyond their limits: nothing." in text
    rows = [line.split(" | ") for line in text.splitlines() if "verdict upheld" in line]
    assert [sum(int(cell) for cell in row[3:7]) for row in rows] == [200]
    narrow = replace(found, wilson=[limits.WilsonCoverage(items=40, mean=0.94, smallest=0.9)])
    assert "Beyond their limits: Wilson." in page.render(narrow, "python -m benchmarks.calibration")


def test_the_page_has_the_items_of_early_decisions_as_computed() -> None:
    text = command.PAGE.read_text(encoding="utf-8")
    assert early_decision.render_early(early_decision.early_decisions()) in text


def test_a_reduced_run_does_not_write_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["calibration", "--studies", "10"])
    with pytest.raises(SystemExit):
        command.main()
    assert "name another file" in capsys.readouterr().err


def test_a_rule_about_the_mean_would_err() -> None:
    """54 % and 58 % where one training of ten falls, at a mean loss of exactly the margin."""
    found = {one.configuration.name: one for one in mean_rules(1000)}
    assert found["18c"].satterthwaite == pytest.approx(0.54, abs=0.06)
    assert found["18d"].fewest == pytest.approx(0.58, abs=0.06)
    assert all(one.configuration.truth.learning[0].beyond < 0.5 for one in found.values())
