"""The tables of the rules are what the documents show and what the package decides."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest
from support import ROOT, assays

from titer.analysis import controls, decision_rules, task_rules
from titer.analysis.applicability import NOT_APPLICABLE
from titer.analysis.controls import attack_power, integrity, judge_sight, judging, shams, training, weights_alike
from titer.analysis.controls.control import ControlResult
from titer.analysis.findings import Finding
from titer.analysis.verdict import CONDITIONS, overall_outcome
from titer.records import Outcome
from titer.report.escape import escape, table
from titer.stats.replicates import Levels, Tally, decide, descriptive_levels, levels

PAGE = ROOT / "docs" / "concepts" / "verdict.md"
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DECIDING: tuple[Outcome, ...] = ("upheld", "refuted", "undecided", "void")
CONDITION_NAMES = ["resistance", "generalization", "stability", "trainability", "usability"]
CHECKED: tuple[Outcome, ...] = ("upheld", "void", "undecided", "not applicable")
TABLES: dict[str, Sequence[decision_rules.Rule[Any]]] = {
    "EXPOSURE": decision_rules.EXPOSURE,
    "STABILITY": task_rules.STABILITY,
    "STABILITY_OF_METHOD": task_rules.STABILITY_OF_METHOD,
    "USABILITY": task_rules.USABILITY,
    "TRAINABILITY": decision_rules.TRAINABILITY,
    "WHOLE": decision_rules.WHOLE,
}
SPLITS = [(seeds, share) for share in (0.5, 0.25) for seeds in (1, 4, 5, 8, 9, 13)]


def rendered(header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    return table(header, [[escape(cell) for cell in row] for row in rows])


def all_tables() -> list[str]:
    """Every table in the order of the page."""
    header = ["outcome", "what must be the case", "level"]
    shown = [rendered(header, [(row.outcome, row.when, row.level) for row in rows]) for rows in TABLES.values()]
    decisions = rendered(
        ["harm.sampling", "a dose of an attack is decided from"], list(decision_rules.SAMPLING.items())
    )
    absent = [(name, absence.where) for name, absence in NOT_APPLICABLE.items()]
    absences = rendered(["condition", "not applicable where"], absent)
    rows = [(control.name, control.guards, control.void, control.level) for control in controls.CONTROLS]
    passing = rendered(["control", "guards", "void where", "level"], rows)
    return [decisions, *shown[:-1], absences, passing, shown[-1]]


def tables_of(text: str) -> list[str]:
    """The tables of a Markdown text, each as it stands there."""
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return ["\n".join(block) for block in blocks if all(line.startswith("|") for line in block)]


def test_the_page_shows_exactly_the_tables() -> None:
    assert tables_of(PAGE.read_text(encoding="utf-8").strip()) == all_tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_ends_with_a_row_that_always_is_the_case_and_levels_belong_to_claims(name: str) -> None:
    rows = TABLES[name]
    assert (rows[-1].outcome, rows[-1].when) == ("undecided", "otherwise")
    assert rows[-1].applies(object())
    assert {row.outcome for row in rows} == set(DECIDING) - ({"void"} if name in ("EXPOSURE", "USABILITY") else set())
    for row in rows:
        if row.outcome in ("upheld", "refuted"):
            assert "α" in row.level
        if row.outcome == "undecided":
            assert row.level == decision_rules.NO_LEVEL


def every_tally(replicates: int) -> list[Tally]:
    return [
        Tally(holds=replicates - fails - unclear, fails=fails, open=unclear)
        for fails in range(replicates + 1)
        for unclear in range(replicates + 1 - fails)
    ]


def at(seeds: int, share: float, decisions: int = 3) -> Levels:
    return levels(replicates=seeds, share=share, alpha=0.05, decisions=decisions)


@pytest.mark.parametrize(("seeds", "share"), SPLITS)
def test_the_replicate_rule_is_that_of_the_table(seeds: int, share: float) -> None:
    given = at(seeds, share)
    for tally in every_tally(seeds):
        expected: Outcome = "undecided"
        if given.r is not None and given.r_fail is not None:
            if tally.holds >= seeds - given.r:
                expected = "upheld"
            elif tally.fails >= seeds - given.r_fail:
                expected = "refuted"
        facts = decision_rules.ReplicateFacts(tally=tally, levels=given)
        assert decision_rules.outcome_of(decision_rules.EXPOSURE, facts) == expected
        assert decide(tally, given) == expected
        unequal = replace(facts, unequal=True)
        assert decision_rules.outcome_of(decision_rules.EXPOSURE, unequal) == "undecided"


@pytest.mark.parametrize("left", range(5))
def test_a_tally_of_fewer_replicates_than_the_levels_were_made_for_is_refused(left: int) -> None:
    for tally in every_tally(left):
        facts = decision_rules.ReplicateFacts(tally=tally, levels=at(5, 0.5))
        with pytest.raises(ValueError, match=f"levels are for 5 replicates, not for {left}"):
            decision_rules.outcome_of(decision_rules.EXPOSURE, facts)


@pytest.mark.parametrize("seeds", [5, 13, 40])
def test_a_descriptive_study_decides_nothing_however_many_seeds_it_has(seeds: int) -> None:
    given = descriptive_levels(replicates=seeds, share=0.5, alpha=0.05, decisions=3)
    for tally in (Tally(holds=seeds, fails=0, open=0), Tally(holds=0, fails=seeds, open=0)):
        facts = decision_rules.ReplicateFacts(tally=tally, levels=given)
        made = task_rules.MadeSubjects(replicates=facts, void=False)
        trained = decision_rules.Trainings(replicates=facts, unusable=0, at_edge=False, gained=(True,), guarded=(True,))
        assert decision_rules.outcome_of(decision_rules.EXPOSURE, facts) == "undecided"
        assert decision_rules.outcome_of(task_rules.STABILITY_OF_METHOD, made) == "undecided"
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, trained) == "undecided"
    for outcomes in product(DECIDING, repeat=2):
        tasks = task_rules.TaskOutcomes(outcomes, descriptive=True)
        assert decision_rules.outcome_of(task_rules.STABILITY, tasks) == "undecided"
        assert decision_rules.outcome_of(task_rules.USABILITY, tasks) == "undecided"


def test_more_failed_indices_than_replicates_are_undecided_whatever_the_replicates_are() -> None:
    for tally in every_tally(5):
        facts = decision_rules.ReplicateFacts(tally=tally, levels=at(5, 0.5), exhausted=True)
        trained = decision_rules.Trainings(
            replicates=facts, unusable=5, at_edge=False, gained=(False,), guarded=(True,)
        )
        assert decision_rules.outcome_of(decision_rules.EXPOSURE, facts) == "undecided"
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, trained) == "undecided"


def finding(name: str, kind: Any, outcome: Outcome) -> Finding:
    return Finding(name=name, kind=kind, outcome=outcome, reason="")


def test_the_reason_of_the_whole_is_that_of_its_outcome() -> None:
    opening = {"refuted": "Refuted: ", "void": "Nothing can be said of: ", "upheld": "Shown: "}
    seen = set()
    for checked in product(CHECKED, repeat=2):
        controls_found = [finding(f"control {i}", "control", outcome) for i, outcome in enumerate(checked)]
        unshown = [f"control {i}" for i, one in enumerate(checked) if one == "undecided"]
        for outcomes in product(OUTCOMES, repeat=4):
            conditions = [finding(f"condition {i}", "condition", outcome) for i, outcome in enumerate(outcomes)]
            named = {
                kind: ", ".join(f"condition {i}" for i, one in enumerate(outcomes) if one == kind) for kind in DECIDING
            }
            outcome, reason = overall_outcome(controls_found, conditions, 0.05)
            seen.add(outcome)
            if "void" in checked:
                failed = ", ".join(f"control {i}" for i, one in enumerate(checked) if one == "void")
                assert reason.en == f"The study cannot be believed: {failed}."
                continue
            if set(outcomes) == {"not applicable"}:
                first = "Nothing is decided: no condition applies."
            elif outcome != "undecided":
                first = f"{opening[outcome]}{named[outcome]}."
            elif named["undecided"]:
                first = f"Not decided: {named['undecided']}."
            else:
                first = f"Not shown, so that nothing is upheld: {', '.join(unshown)}."
            assert reason.en.startswith(first)
            if outcome == "undecided":
                assert all(name in reason.en for name in unshown)
                assert (f"Shown: {named['upheld']}." in reason.en) == bool(named["upheld"])
    assert seen == set(DECIDING)


def test_an_open_control_turns_upheld_into_undecided_and_hides_no_refutation() -> None:
    every: tuple[tuple[Outcome, ...], ...] = (("undecided",), ("upheld", "undecided", "not applicable"))
    for checked, outcomes in product(every, product(OUTCOMES, repeat=3)):
        facts = decision_rules.FindingOutcomes(measurement=(), power=(), conditions=outcomes)
        without = decision_rules.outcome_of(decision_rules.WHOLE, facts)
        for one in (facts._replace(measurement=checked), facts._replace(power=checked)):
            found = decision_rules.outcome_of(decision_rules.WHOLE, one)
            assert found == ("undecided" if without == "upheld" else without)


def test_a_failed_control_of_measurement_voids_everything_and_one_of_power_only_what_is_not_refuted() -> None:
    for outcomes in product(OUTCOMES, repeat=3):
        facts = decision_rules.FindingOutcomes(measurement=("void",), power=("upheld",), conditions=outcomes)
        assert decision_rules.outcome_of(decision_rules.WHOLE, facts) == "void"
        weak = decision_rules.FindingOutcomes(measurement=("upheld",), power=("void",), conditions=outcomes)
        expected = "refuted" if "refuted" in outcomes else "void"
        assert decision_rules.outcome_of(decision_rules.WHOLE, weak) == expected


@pytest.mark.parametrize("tasks", list(product(DECIDING, repeat=3)), ids="/".join)
def test_the_worst_task_decides_stability_and_a_refuted_one_comes_before_a_void_one(
    tasks: tuple[Outcome, ...],
) -> None:
    worst = min(tasks, key=("refuted", "void", "undecided", "upheld").index)
    assert decision_rules.outcome_of(task_rules.STABILITY, task_rules.TaskOutcomes(tasks)) == worst


@pytest.mark.parametrize("floors", list(product(("upheld", "refuted", "undecided"), repeat=3)), ids="/".join)
def test_the_worst_floor_decides_usability(floors: tuple[Outcome, ...]) -> None:
    worst = min(floors, key=("refuted", "undecided", "upheld").index)
    assert decision_rules.outcome_of(task_rules.USABILITY, task_rules.TaskOutcomes(floors)) == worst


def test_no_task_and_no_floor_decide_nothing() -> None:
    assert decision_rules.outcome_of(task_rules.STABILITY, task_rules.TaskOutcomes(())) == "undecided"
    assert decision_rules.outcome_of(task_rules.USABILITY, task_rules.TaskOutcomes(())) == "undecided"


@pytest.mark.parametrize(("seeds", "share"), SPLITS)
def test_a_method_is_decided_by_the_share_of_the_subjects_that_it_made(seeds: int, share: float) -> None:
    given = at(seeds, share)
    for tally, void in product(every_tally(seeds), (False, True)):
        by_replicates = decide(tally, given)
        expected = by_replicates if by_replicates == "refuted" or not void else "void"
        if given.r is None:
            expected = "undecided"
        facts = decision_rules.ReplicateFacts(tally=tally, levels=given)
        made = task_rules.MadeSubjects(replicates=facts, void=void)
        assert decision_rules.outcome_of(task_rules.STABILITY_OF_METHOD, made) == expected


@pytest.mark.parametrize("seeds", [4, 5, 9])
def test_trainability_is_the_replicate_rule_with_a_guard_that_upholds_nothing_alone(seeds: int) -> None:
    given = at(seeds, 0.5, decisions=1)
    pairs = list(product((True, False), repeat=2))
    for tally, unusable, gained, guarded in product(every_tally(seeds), range(3), pairs, pairs):
        by_replicates = decide(tally, given)
        if given.r is None:
            expected = "undecided"
        elif unusable > given.r or not all(gained):
            expected = "void"
        elif by_replicates == "upheld" and not all(guarded):
            expected = "undecided"
        else:
            expected = by_replicates
        replicates = decision_rules.ReplicateFacts(tally=tally, levels=given)
        found = decision_rules.Trainings(
            replicates=replicates, unusable=unusable, at_edge=False, gained=gained, guarded=guarded
        )
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, found) == expected
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, replace(found, at_edge=True)) == "undecided"


def test_every_control_of_the_package_has_its_row() -> None:
    plan = assays.protocol()
    checked = controls.check(assays.assay(plan, assays.breaking()))
    assert [control.name for control in controls.CONTROLS] == [found.name for found in checked]
    written = {
        function
        for module in (attack_power, integrity, judge_sight, judging, shams, training, weights_alike)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and typing.get_type_hints(function)["return"] is ControlResult
    }
    assert written == {control.check for control in controls.CONTROLS}
    assert len(controls.CONTROLS) == len(written) == 15


def without_defense(data: dict[str, Any]) -> None:
    """A model that is held against another one."""
    data.update(defense=[], subject={"model": "organism", "reference": "organism"})


def test_conditions_are_not_applicable_where_the_table_says_so() -> None:
    assert list(NOT_APPLICABLE) == CONDITION_NAMES
    assert outcomes_of(lambda d: d.update(defense=[])) == ["upheld", *["not applicable"] * 4]
    assert outcomes_of(without_defense)[2] != "not applicable"
    assert outcomes_of(lambda d: d["harm"].update(domain=d["harm"]["domain"][:1]))[1] == "not applicable"
    assert outcomes_of(lambda d: d.update(stability=None))[2] == "not applicable"
    assert outcomes_of(lambda d: d.update(trainability=None))[3] == "not applicable"
    assert [outcome == "not applicable" for outcome in outcomes_of(lambda d: None)] == [*[False] * 4, True]


def outcomes_of(change: Callable[[dict[str, Any]], None]) -> list[Outcome]:
    """The outcomes of the conditions on an assay without a flaw."""
    plan = assays.protocol(change)
    truth = assays.assay(plan, assays.breaking())
    concluded = [conclude(truth) for conclude in CONDITIONS]
    assert [condition.name for condition in concluded] == CONDITION_NAMES
    return [condition.outcome for condition in concluded]
