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

from titer.analysis import controls, decision_rules
from titer.analysis.applicability import NOT_APPLICABLE
from titer.analysis.controls import attack_power, integrity, judging, training
from titer.analysis.controls.control import ControlResult
from titer.analysis.findings import Finding
from titer.analysis.verdict import CONDITIONS, overall_outcome
from titer.records import Outcome
from titer.report.escape import escape, table
from titer.stats.replicates import Levels, Tally, decide, levels

PAGE = ROOT / "docs" / "concepts" / "verdict.md"
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DECIDING: tuple[Outcome, ...] = ("upheld", "refuted", "undecided", "void")
CONDITION_NAMES = ["resistance", "generalization", "stability", "trainability"]
CHECKED: tuple[Outcome, ...] = ("upheld", "void", "not applicable")
FINALS: tuple[Outcome, ...] = ("upheld", "refuted", "undecided")
TABLES: dict[str, Sequence[decision_rules.Rule[Any]]] = {
    "EXPOSURE": decision_rules.EXPOSURE,
    "STABILITY": decision_rules.STABILITY,
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
    rows = [(control.name, control.void, control.level) for control in controls.CONTROLS]
    passing = rendered(["control", "void where", "level"], rows)
    return [decisions, *shown[:3], absences, passing, shown[3]]


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
    assert {row.outcome for row in rows} == set(DECIDING) - ({"void"} if name == "EXPOSURE" else set())
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
def test_too_few_replicates_decide_nothing_whatever_they_are(left: int) -> None:
    for tally in every_tally(left):
        assert (
            decision_rules.outcome_of(
                decision_rules.EXPOSURE, decision_rules.ReplicateFacts(tally=tally, levels=at(5, 0.5))
            )
            == "undecided"
        )


def finding(name: str, kind: Any, outcome: Outcome) -> Finding:
    return Finding(name=name, kind=kind, outcome=outcome, reason="")


def test_the_reason_of_the_whole_is_that_of_its_outcome() -> None:
    seen = set()
    for checked in product(CHECKED, repeat=2):
        controls_found = [finding(f"control {i}", "control", outcome) for i, outcome in enumerate(checked)]
        for outcomes in product(OUTCOMES, repeat=4):
            conditions = [finding(f"condition {i}", "condition", outcome) for i, outcome in enumerate(outcomes)]
            outcome, reason = overall_outcome(controls_found, conditions, 0.05)
            assert reason.startswith("failed controls: " if "void" in checked else f"{outcome}: ")
            if "void" not in checked:
                first_part = reason.removeprefix(f"{outcome}: ").split(";")[0]
                assert first_part == ", ".join(f"condition {i}" for i, one in enumerate(outcomes) if one == outcome)
            seen.add(outcome)
    assert seen == set(DECIDING)


@pytest.mark.parametrize("tasks", list(product(DECIDING, repeat=3)), ids="/".join)
def test_the_worst_task_decides_stability(tasks: tuple[Outcome, ...]) -> None:
    worst = min(tasks, key=("void", "refuted", "undecided", "upheld").index)
    assert decision_rules.outcome_of(decision_rules.STABILITY, tasks) == worst


def test_no_task_decides_nothing() -> None:
    none: tuple[Outcome, ...] = ()
    assert decision_rules.outcome_of(decision_rules.STABILITY, none) == "undecided"


@pytest.mark.parametrize("seeds", [4, 5, 9])
def test_trainability_needs_the_replicates_and_every_final_rate(seeds: int) -> None:
    given = at(seeds, 0.5, decisions=1)
    finals = list(product(FINALS, repeat=2))
    for tally, unusable, gained, final in product(
        every_tally(seeds), range(3), product((True, False), repeat=2), finals
    ):
        by_replicates = decide(tally, given)
        if given.r is None:
            expected = "undecided"
        elif unusable > given.r or not all(gained):
            expected = "void"
        elif by_replicates == "refuted" or "refuted" in final:
            expected = "refuted"
        else:
            expected = "upheld" if (by_replicates, *final) == ("upheld",) * 3 else "undecided"
        replicates = decision_rules.ReplicateFacts(tally=tally, levels=given)
        found = decision_rules.Trainings(
            replicates=replicates, unusable=unusable, at_edge=False, gained=gained, final=final
        )
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, found) == expected
        assert decision_rules.outcome_of(decision_rules.TRAINABILITY, replace(found, at_edge=True)) == "undecided"


def test_every_control_of_the_package_has_its_row() -> None:
    plan = assays.protocol()
    checked = controls.check(assays.assay(plan, assays.breaking()))
    assert [control.name for control in controls.CONTROLS] == [found.name for found in checked]
    written = {
        function
        for module in (attack_power, integrity, judging, training)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if typing.get_type_hints(function)["return"] is ControlResult
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }
    assert written == {control.check for control in controls.CONTROLS}
    assert len(controls.CONTROLS) == len(written) == 13


def test_conditions_are_not_applicable_where_the_table_says_so() -> None:
    assert list(NOT_APPLICABLE) == CONDITION_NAMES
    assert outcomes_of(lambda d: d.update(defense=[])) == ["upheld", *["not applicable"] * 3]
    assert outcomes_of(lambda d: d["harm"].update(domain=d["harm"]["domain"][:1]))[1] == "not applicable"
    assert outcomes_of(lambda d: d.update(stability=None))[2] == "not applicable"
    assert outcomes_of(lambda d: d.update(trainability=None))[3] == "not applicable"
    assert "not applicable" not in outcomes_of(lambda d: None)


def outcomes_of(change: Callable[[dict[str, Any]], None]) -> list[Outcome]:
    """The outcomes of the four conditions on an assay without a flaw."""
    plan = assays.protocol(change)
    truth = assays.assay(plan, assays.breaking())
    concluded = [conclude(truth) for conclude in CONDITIONS]
    assert [condition.name for condition in concluded] == CONDITION_NAMES
    return [condition.outcome for condition in concluded]
