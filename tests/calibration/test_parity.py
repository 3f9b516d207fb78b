"""The arrays of the calibration against the path that a study takes: the real conditions, controls and verdict."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))

from calibration.real_studies import assay_of, planned

from benchmarks.calibration import setting
from benchmarks.calibration.configurations import CONFIGURATIONS, Configuration
from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.deciding import BROKEN, INTACT, decide_doses, read
from benchmarks.calibration.deciding_tasks import shown_table
from benchmarks.calibration.draws import DEFENDED, Draws, M, draw
from benchmarks.calibration.laws import ALIKE, SeedLaw, center, final_answers, most_lost
from benchmarks.calibration.outcomes import OUTCOMES
from titer.analysis.conditions import remedies
from titer.analysis.conditions.paired_scores import Paired
from titer.analysis.conditions.trainability.learning_curves import Learning, TaskPair, guard
from titer.analysis.controls import CONTROLS
from titer.analysis.controls.attack_power import undefended_breaks
from titer.analysis.controls.judging import judges_parsed
from titer.analysis.findings import Assay
from titer.analysis.verdict import CONDITIONS, overall_outcome
from titer.stats.binomial import Counts
from titer.stats.noninferiority import Changes, compare_crossed, compare_rates
from titer.stats.replicates import Items
from titer.stats.sequential_decisions import decide_sequential


def rarest(draws: Draws, number: int) -> list[int]:
    """One study of each of so many outcomes that the verdict has among those drawn, the rarest outcome first."""
    _, places, counts = np.unique(read(draws)["verdict"], return_index=True, return_counts=True)
    return [int(place) for place in places[np.argsort(counts, kind="stable")][:number]]


@pytest.fixture(autouse=True)
def no_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes are compared, and what is said of them is not: a remedy takes seconds to search for."""
    monkeypatch.setattr(remedies, "remedy", lambda *_: None)


def concluded(assay: Assay) -> dict[str, str]:
    """What titer itself says of every part."""
    checked = [control.finding(assay) for control in CONTROLS if control.check in (undefended_breaks, judges_parsed)]
    assert len(checked) == 2
    findings = [conclude(assay) for conclude in CONDITIONS]
    found: dict[str, str] = {one.name: one.outcome for one in findings if one.name != "usability"}  # of gates alone
    found["controls"] = "void" if any(finding.outcome == "void" for finding in checked) else "upheld"
    found["verdict"] = overall_outcome(checked, findings, setting.ALPHA)[0]
    return found


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_arrays_are_read_as_studies_are(configuration: Configuration) -> None:
    """Of 100 simulated studies one of the rarest outcome."""
    compared(configuration, 100, 1)


@pytest.mark.slow
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.name)
def test_arrays_are_read_as_studies_are_for_every_outcome(configuration: Configuration) -> None:
    compared(configuration, 1000, 4)


def compared(configuration: Configuration, studies: int, number: int) -> None:
    plan = planned(configuration.truth)
    draws = draw(configuration.truth, studies, setting.generator("parity", configuration.name))
    outcomes = read(draws)
    for i in rarest(draws, number):
        expected = {part: OUTCOMES[codes[i]] for part, codes in outcomes.items()}
        assert concluded(assay_of(draws, plan, i)) == expected


@pytest.mark.parametrize("looks", [1, 3, 6])
@pytest.mark.parametrize("items", ["shared", "own"])
def test_doses_are_decided_as_their_analyses_decide(looks: setting.Looks, items: Items) -> None:
    """Random paths of harmful items, a tenth of them unjudged."""
    rng = setting.generator("looks", looks, items)
    plan = setting.plan(setting.exposure_levels(1, 2, items), looks)
    stops = [analysis.asked for analysis in plan.analyses]
    rates = rng.random((300, 1)) * 0.6
    new = rng.binomial(np.diff(stops, prepend=0), rates)
    harmful, unjudged = np.cumsum(new, axis=1), np.cumsum(rng.binomial(new, 0.1), axis=1)
    for path, missing, code in zip(harmful, unjudged, decide_doses(harmful, unjudged, plan), strict=True):
        decision = None
        for asked, k, u in zip(stops, path, missing, strict=True):
            counts = Counts(harmful=int(k - u), unjudged=int(u), incoherent=0, items=asked)
            decision = decide_sequential(counts, plan.analyses)
            if decision is not None:
                break
        assert decision == {INTACT: "intact", BROKEN: "broken"}.get(int(code), "unclear")


def test_changes_are_shown_as_titer_shows_them() -> None:
    rng = setting.generator("changes")
    for level in (0.05, 0.01875, 0.05 / 8):
        within = shown_table(0.05, level)
        beyond = shown_table(-0.05, level)
        for gains, losses in rng.integers(0, 40, (60, 2)).tolist():
            changes = Changes(gains=gains, losses=losses, items=setting.TASK_ITEMS)
            noninferior = compare_rates(changes, margin=0.05, level=level, claim="noninferior")
            inferior = compare_rates(changes, margin=0.05, level=level, claim="inferior")
            assert (within[gains, losses], beyond[losses, gains]) == (noninferior.shown, inferior.shown)


def test_replicates_fail_as_pairs_of_trainings_do() -> None:
    """Every count about the margin, and every dose of the ladder."""
    n = setting.LEARNED_ITEMS
    for lost in range(most_lost() - 2, most_lost() + 3):
        assert _pair(180, 180 - lost, 10, 10).state == ("holds" if lost <= most_lost() else "fails")
    for reached in setting.BENIGN_LADDER:
        slow = reached > 1.5 * 10
        assert _pair(n, n, 10, reached).state == ("fails" if slow else "holds")


def _pair(before: int, after: int, reached: int, later: int) -> TaskPair:
    sides = [
        Learning(
            earliest=dose, latest=dose, first=6, last=42,
            final=(1.0,) * right + (0.0,) * (setting.LEARNED_ITEMS - right),
        )
        for right, dose in ((before, reached), (after, later))
    ]  # fmt: skip
    return TaskPair(
        task="t", unit="rate", before=sides[0], after=sides[1], slack=1 + setting.EPSILON, margin=setting.FINAL_MARGIN
    )


@pytest.mark.parametrize("sd", [0.0, 0.8])
def test_crossed_arrays_equal_the_comparison_of_one_study(sd: float) -> None:
    law, rng = SeedLaw(shape="skewed", sd=sd), setting.generator("crossed", str(sd))
    shape = (30, 5, setting.LEARNED_ITEMS)
    before, after = (final_answers(rng, one, center(one, rate), shape) for one, rate in ((ALIKE, 0.9), (law, 0.85)))
    after[0], after[1] = before[0], ~before[1]
    arrays, guarded = crossed(after, before), crossed(after, before, degrees=4).noninferior(0.1, 0.025)
    for i in range(len(before)):
        d = after[i].astype(float) - before[i]
        above = compare_crossed(d, margin=0.1, level=0.05, claim="noninferior")
        below = compare_crossed(d, margin=0.1, level=0.01, claim="inferior")
        assert arrays.estimate[i] == pytest.approx(above.estimate, abs=1e-12)
        assert arrays.error[i] == pytest.approx(above.standard_error, abs=1e-12)
        assert arrays.degrees[i] == pytest.approx(above.degrees_of_freedom, rel=1e-9)
        assert arrays.noninferior(0.1, 0.05)[i] == above.shown
        assert arrays.inferior(0.1, 0.01)[i] == below.shown
        columns = (tuple(tuple(map(float, seed)) for seed in side[i]) for side in (before, after))
        task = Paired(name="t", unit="rate", before=next(columns), after=next(columns), chance=None)
        real = guard(task, 0.1, 0.025)
        assert real is not None
        assert guarded[i] == real.shown
    assert 0 < guarded.sum() < len(guarded)
    assert (M, DEFENDED) == (0, 1)
