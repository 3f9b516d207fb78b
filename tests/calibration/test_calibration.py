"""The calibration in a reduced form, and its arrays against the path that a study takes."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support import ROOT, assays
from support.all_items import decide_dose
from support.assays import facts, graded

from titer.analysis.controls import CONTROLS
from titer.analysis.controls.attack_power import undefended_breaks
from titer.analysis.controls.judging import judges_parsed
from titer.analysis.findings import Assay, Curve, DosePoint
from titer.analysis.verdict import CONDITIONS, overall_outcome
from titer.data.identifiers import ProbeId
from titer.protocol.schema import Protocol
from titer.records import Role
from titer.stats import interval_censoring
from titer.stats.binomial import Counts
from titer.stats.noninferiority import compare_crossed
from titer.stats.replicates import Levels, levels
from titer.stats.search_selection import winner
from titer.stats.search_trials import Search, Trial, TrialPoint

sys.path.insert(0, str(ROOT))

from benchmarks.calibration import __main__ as command
from benchmarks.calibration import comparison_size, early_decision, limits, page, replicate_rule, setting, titer_limits
from benchmarks.calibration.configurations import CONFIGURATIONS, Configuration, Falsehood
from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.deciding import OUTCOMES, read
from benchmarks.calibration.draws import DEFENDED, SELECT_ITEMS, Draws, M, draw, harmful_items, winners
from benchmarks.calibration.laws import ALIKE, SeedLaw, final_answers
from benchmarks.calibration.power_tables import Powers
from benchmarks.calibration.study import Results
from benchmarks.calibration.truths import ABOVE, Change, Exposure, Truth
from benchmarks.calibration.verdicts import COMFORTABLE, Calibrated, calibrate, cut, simulate, within

STUDIES = 2000
ATTACK_LADDER = (0, 1, 2, 4, 8, 16, 32)
DOMAINS = ("vaults", "codes", "keys")
KEPT, LEARNED = ("t0", "t1", "t2", "t3"), ("l0", "l1")
SUBJECTS: tuple[tuple[Role, int], ...] = (("undefended", M), ("defended", DEFENDED))


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_false_outcomes_stay_within_their_limits(configuration: Configuration) -> None:
    """2,000 simulated studies, at most 123 false outcomes at 5 %; 8c and 8d are known to have 5.4 and 6.1 %."""
    counted = simulate(configuration, STUDIES)
    outcome = Calibrated(configuration=configuration, first=counted, again=None)
    assert outcome.least_power > COMFORTABLE
    if configuration.known:
        assert counted.of("verdict", "upheld") <= cut(STUDIES, 0.08)
    else:
        assert within(counted, configuration)


def test_known_excess_is_named() -> None:
    assert [c.name for c in CONFIGURATIONS if c.known] == ["8c", "8d"]


def planned(truth: Truth) -> Protocol:
    """A protocol with the sizes of the calibration."""

    def change(data: dict[str, Any]) -> None:
        splits = {"attack": 80, "probe": setting.ITEMS}
        data["study"]["seeds"] = {"attack": setting.REPLICATES, "defense": setting.REPLICATES if truth.method else 1}
        data["study"]["claim"] = "this method" if truth.method else "this checkpoint"
        data["harm"]["domain"] = [
            {"name": name, "role": role, "source": f"organism:{name}", "splits": splits}
            for name, role in zip(DOMAINS, ("defended", "cross", "cross"), strict=True)
        ]
        attacks = [{"name": "direct", "parameters": {"lr": number}} for number in range(truth.attacks)]
        data["attacker"] = {"budget": {"steps": 32}, "ladder": list(ATTACK_LADDER), "sham": False, "attack": attacks}
        sizes = [(name, setting.TASK_ITEMS) for name in KEPT] + [(name, setting.LEARNED_ITEMS) for name in LEARNED]
        data["task"] = [
            {"name": name, "kind": "generate", "source": f"organism:{name}", "splits": {"train": 80, "verdict": items}}
            for name, items in sizes
        ]
        data["stability"] = {"tasks": list(KEPT), "margin": setting.STABILITY_MARGIN, "over_refusal": False}
        data["trainability"] = {
            "tasks": list(LEARNED),
            "target": dict.fromkeys(LEARNED, 0.6),
            "rates": [1e-4],
            "ladder": list(setting.BENIGN_LADDER),
            "epsilon": setting.EPSILON,
            "margin": setting.FINAL_MARGIN,
        }

    return assays.protocol(change)


@cache
def graded_point(dose: int, domain: str, harmful: int, unjudged: int) -> DosePoint:
    """One dose of an attack: so many harmful items, some of them unjudged."""
    return DosePoint(
        facts=facts(dose), values={ProbeId.of("harm", domain): graded((harmful - unjudged, unjudged, 0), setting.ITEMS)}
    )


def floats(answers: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(float(right) for right in answers)


def attacked(draws: Draws, plan: Protocol, i: int) -> list[Curve]:
    curves = []
    for (d, domain), (role, subject) in [(d, s) for d in enumerate(DOMAINS) for s in SUBJECTS]:
        for replicate, (a, attack) in [
            (u, a) for u in range(setting.REPLICATES) for a in enumerate(plan.attacker.attack)
        ]:
            harmful = draws.harmful[i, d, subject, replicate, a]
            unjudged = draws.unjudged[i, d, replicate, a] if role == "defended" else np.zeros_like(harmful)
            points = [
                graded_point(dose, domain, int(k), int(u))
                for dose, k, u in zip(ATTACK_LADDER, harmful, unjudged, strict=True)
            ]
            purpose = "generalization" if d else "resistance"
            curves.append(
                assays.curve(purpose, role, replicate, points, domain=domain, attack=attack.label, doses=ATTACK_LADDER)
            )
    return curves


def baseline(draws: Draws, role: Role, i: int, made: int) -> Curve:
    tasks = draws.before[i, :, 0] if role == "undefended" else draws.after[i, :, made]
    refusal = {"refusal": (1.0,) * setting.ITEMS}
    values = {ProbeId.of("harm", domain): graded(0, setting.ITEMS) | refusal for domain in DOMAINS}
    values |= {ProbeId.of("task", name): {"correct": floats(right)} for name, right in zip(KEPT, tasks, strict=True)}
    values |= {ProbeId.of("task", name): {"correct": floats(draws.start[i, t, 0])} for t, name in enumerate(LEARNED)}
    points = [DosePoint(facts=facts(0, trained=False), values=values)]
    return assays.curve("stability", role, made, points, attack="baseline", doses=(0,))


def learned(draws: Draws, attack: str, role: Role, subject: int, task: int, replicate: int, i: int) -> Curve:
    """Half of the target before it is reached, above it from then on, and the drawn items at the last dose."""
    reached, final = draws.reached[i, subject, task, replicate], floats(draws.final[i, subject, task, replicate])
    points = []
    for dose in setting.BENIGN_LADDER:
        before_last = assays.column(60 if dose < reached else 160, items=setting.LEARNED_ITEMS)
        right = final if dose == setting.BENIGN_LADDER[-1] else before_last
        points.append(DosePoint(facts=facts(dose), values={ProbeId.of("task", LEARNED[task]): {"correct": right}}))
    return assays.curve(
        "trainability", role, replicate, points, task=LEARNED[task], attack=attack, doses=setting.BENIGN_LADDER
    )


def assay_of(draws: Draws, plan: Protocol, i: int) -> Assay:
    """One simulated study as a study would have it."""
    made = [("undefended", 0), *(("defended", number) for number in range(draws.after.shape[2]))]
    places = [(t, u) for t in range(len(LEARNED)) for u in range(setting.REPLICATES)]
    assert plan.trainability is not None
    lesson = plan.trainability.at(plan.trainability.rates[0]).label
    kinds: Any = {ProbeId.of("harm", domain): {"harm": "harm", "coherence": "coherence"} for domain in DOMAINS}
    return Assay(
        protocol=plan,
        subjects={"undefended": ("m",), "defended": ("s",)},
        items={},
        kinds=kinds,
        chance={ProbeId.of("task", name): 0.0 for name in (*KEPT, *LEARNED)},
        curves=(
            *attacked(draws, plan, i),
            *(baseline(draws, role, i, number) for role, number in made),  # type: ignore[arg-type]
            *(learned(draws, lesson, role, subject, t, u, i) for role, subject in SUBJECTS for t, u in places),
        ),
        overlaps=(),
    )


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_arrays_are_read_as_studies_are(configuration: Configuration) -> None:
    """The simulated study of 200 whose verdict has the rarest outcome."""
    plan = planned(configuration.truth)
    draws = draw(configuration.truth, 200, setting.generator("parity", configuration.name))
    outcomes = read(draws)
    _, places, counts = np.unique(outcomes["verdict"], return_index=True, return_counts=True)
    i = int(places[counts.argmin()])
    assay = assay_of(draws, plan, i)
    checked = [control.finding(assay) for control in CONTROLS if control.check in (undefended_breaks, judges_parsed)]
    assert len(checked) == 2
    concluded = [conclude(assay) for conclude in CONDITIONS]
    found = {finding.name: finding.outcome for finding in concluded}
    found["controls"] = "void" if any(finding.outcome == "void" for finding in checked) else "upheld"
    found["verdict"] = overall_outcome(checked, concluded, setting.ALPHA)[0]
    assert found == {part: OUTCOMES[codes[i]] for part, codes in outcomes.items()}


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
    breaking = draws.harmful[:, :, DEFENDED, :, 0, 3] > 11
    assert breaking.mean() == pytest.approx(0.5 * (1 - 0.0126), abs=0.03)
    assert (draws.harmful[:, :, DEFENDED, :, 1] <= 11).mean() > 0.9999
    assert draws.unjudged.sum() / draws.harmful[:, :, DEFENDED].sum() == pytest.approx(0.2, abs=0.005)
    difference = draws.after.astype(int) - draws.before
    assert (difference == -1).mean() == pytest.approx(0.175, abs=0.002)
    assert (difference == 1).mean() == pytest.approx(0.125, abs=0.002)


@pytest.mark.parametrize(
    "law", [ALIKE, SeedLaw(sd=0.4), SeedLaw(shape="skewed", sd=0.4), SeedLaw(shape="two kinds", sd=0.8)]
)
def test_final_rates_end_at_the_margin(law: SeedLaw) -> None:
    """Few items and many seeds: the mean loss within five standard errors, and the moments of the seed effect."""
    rng = setting.generator("laws", str(law))
    before, after = final_answers(rng, (law, law), 0.1, (40_000, 1, 4))
    lost = before.mean(axis=(1, 2)) - after.mean(axis=(1, 2))
    assert lost.mean() == pytest.approx(0.1, abs=5 * lost.std() / math.sqrt(len(lost)))
    effects = law.draw(rng, (100_000,))
    assert effects.mean() == pytest.approx(0, abs=0.01)
    assert effects.std() == pytest.approx(law.sd, abs=0.01)


@pytest.mark.parametrize("sd", [0.0, 0.4])
def test_crossed_arrays_equal_the_comparison_of_one_study(sd: float) -> None:
    law = SeedLaw(sd=sd)
    before, after = final_answers(setting.generator("crossed", str(sd)), (law, law), 0.1, (30, 5, 60))
    after[0] = before[0]
    after[1] = ~before[1]
    arrays = crossed(after, before)
    for i in range(len(before)):
        d = after[i].astype(float) - before[i]
        above = compare_crossed(d, margin=0.1, level=0.05, claim="noninferior")
        below = compare_crossed(d, margin=0.1, level=0.01, claim="inferior")
        assert arrays.estimate[i] == pytest.approx(above.estimate, abs=1e-12)
        assert arrays.error[i] == pytest.approx(above.standard_error, abs=1e-12)
        assert arrays.degrees[i] == pytest.approx(above.degrees_of_freedom, rel=1e-9)
        assert arrays.noninferior(0.1, 0.05)[i] == above.shown
        assert arrays.inferior(0.1, 0.01)[i] == below.shown


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


@pytest.mark.parametrize("at", comparison_size.SETTINGS, ids=str)
def test_crossed_t_keeps_its_size(at: comparison_size.CrossedSetting) -> None:
    assert comparison_size.crossed_size(at, 1000).passes


def test_crossed_t_is_known_to_be_larger_for_uneven_seeds() -> None:
    """About 10 % where only M* varies, skewed; about 7.6 % where half of the seeds lose nine times as much."""
    skewed = next(at for at in comparison_size.KNOWN_LARGER if at.varies == "M* alone")
    two_kinds = next(at for at in comparison_size.KNOWN_LARGER if at.varies == "losses" and at.law.sd == 0.8)
    for at, size in ((skewed, 0.1), (two_kinds, 0.076)):
        found = comparison_size.crossed_size(at, 2000)
        assert not found.passes
        assert found.shown / 2000 == pytest.approx(size, abs=0.02)


@pytest.mark.parametrize("at", titer_limits.TITERS, ids=str)
def test_titer_limits_cover(at: titer_limits.TiterSetting) -> None:
    assert titer_limits.titer_limits(at, 1000).passes


def test_ratio_limits_cover() -> None:
    for at in titer_limits.RATIOS:
        assert titer_limits.ratio_limits(at, 1000).passes
    for identical in (True, False):
        edge = titer_limits.ratio_limits_at_the_edge(2000, identical=identical)
        assert edge.passes
        assert min(edge.lower, edge.upper) > 0.02 * 2000


def test_titer_arrays_equal_the_titers_of_one_study() -> None:
    rates = np.sort(setting.generator("titers").random((20, 2, 5, 2, len(titer_limits.DOSES))) ** 2, axis=-1)
    harmful = harmful_items(rates, setting.generator("titer items"), identical=False)
    claim = levels(replicates=5, share=0.5, alpha=0.05, decisions=20)
    low, high = titer_limits.replicate_titers(harmful, claim)
    lower, upper = titer_limits.ratios(low, high)
    for i in range(len(harmful)):
        replicates = [
            [one_titer(harmful[i, subject, replicate], claim) for replicate in range(5)] for subject in (0, 1)
        ]
        for subject in (0, 1):
            ends = [(low[i, subject, u], finite(high[i, subject, u])) for u in range(5)]
            assert ends == [tuple(replicate) for replicate in replicates[subject]]
            limit = interval_censoring.quantile_limits(replicates[subject], claim)
            found = titer_limits.quantile_limits(harmful[i : i + 1, subject], claim)
            assert limit == (found[0][0], finite(found[1][0]))
        ratio = [
            interval_censoring.ratio(defended, undefended) for undefended, defended in zip(*replicates, strict=True)
        ]
        assert [(lower[i, u], finite(upper[i, u])) for u in range(5)] == [tuple(one) for one in ratio]


def one_titer(harmful: npt.NDArray[np.int64], claim: Levels) -> interval_censoring.Interval:
    outcomes = [
        [
            decide_dose(
                Counts(harmful=int(k), unjudged=0, incoherent=0, items=setting.ITEMS),
                threshold=setting.THRESHOLD,
                intact_level=claim.intact_level,
                broken_level=claim.broken_level,
            )
            for k in attack
        ]
        for attack in harmful
    ]
    return interval_censoring.weakest([interval_censoring.titer(titer_limits.DOSES, attack) for attack in outcomes])


def finite(end: float) -> float | None:
    return None if math.isinf(end) else end


def test_a_false_outcome_beyond_its_cut_is_counted_again() -> None:
    half = next(c for c in CONFIGURATIONS if c.name == "1")
    strict = replace(half, false=(Falsehood(part="verdict", outcome="upheld", limit=1e-4),))
    outcome = calibrate(strict, 200)
    assert outcome.again is not None
    assert outcome.decisive.studies == 2000
    assert not outcome.passes
    assert "**no**" in page.render_verdicts([outcome])
    assert calibrate(half, 200).again is None
    assert (cut(20_000, 0.05), cut(2000, 0.05), cut(200_000, 0.05)) == (1072, 123, 10_227)


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
        crossed=[],
        known_larger=[],
        powers=Powers(exposure=[], replicates=[], stability=[], doses=[], finals=[]),
        early=[],
    )
    text = page.render(found, "python -m benchmarks.calibration")
    assert "Beyond their limit besides: nothing." in text
    rows = [line.split(" | ") for line in text.splitlines() if "verdict upheld" in line]
    assert [sum(int(cell) for cell in row[3:7]) for row in rows] == [200]
    narrow = replace(found, wilson=[limits.WilsonCoverage(items=40, mean=0.94, smallest=0.9)])
    assert "Beyond their limit besides: Wilson." in page.render(narrow, "python -m benchmarks.calibration")


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
