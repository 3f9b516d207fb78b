"""Searches in whole studies: the same whatever the order of work, winners run for the verdict, failures repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish, search

from titer.analysis.assemble import assemble
from titer.analysis.conditions.attack_searches import searches_of
from titer.conclude import conclude
from titer.planning.attack_search import AttackSearch, AttackSearches
from titer.protocol.exposure import levels_of
from titer.records import Role
from titer.stats.search_trials import ranking as ranked_by
from titer.study.folder import Study
from titer.study.view import StoreView


def searches(study: Study) -> dict[str, dict[Role, AttackSearch]]:
    """Every search, replayed from the store."""
    found = AttackSearches(study)
    found.advance(StoreView(study.store))
    return found.found


def trials(study: Study, label: str, role: Any) -> list[tuple[Any, ...]]:
    """What each trial tried, and where it crossed."""
    found_search = searches(study)[label][role]
    return [
        (c.to_json(), t.points) for c, t in zip(found_search.configurations, found_search.search.trials, strict=True)
    ]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("searched"), search)
    finish(study)
    return study


def test_the_winner_is_run_for_the_verdict_and_that_of_m_on_both(searched: Study) -> None:
    (label,) = (choice.label for choice in searched.protocol.attacker.attack)
    found = searches(searched)[label]
    assert {role: found_search.finished for role, found_search in found.items()} == {
        "undefended": True,
        "defended": True,
    }
    assert all(len(found_search.search.trials) == 4 for found_search in found.values())
    run = {
        (curve.subject, curve.attack): curve.configuration
        for curve in assemble(searched).curves
        if curve.purpose in ("resistance", "generalization")
    }
    assert run == {
        ("undefended", label): found["undefended"].winner,
        ("defended", label): found["defended"].winner,
        ("defended", f"{label} of the undefended"): found["undefended"].winner,
    }


def test_a_trial_ends_at_a_crossing_or_at_the_best_dose_of_earlier_rounds(searched: Study) -> None:
    (found,) = searches(searched).values()
    for found_search in found.values():
        best = min(
            (point.dose for t in found_search.search.trials[:2] for point in t.points if point.rate > 0.5), default=8
        )
        for trial in found_search.search.trials[2:]:
            assert trial.points[-1].rate > 0.5 or trial.points[-1].dose == best


def test_the_search_on_the_defended_subject_begins_with_the_winner_of_the_other(searched: Study) -> None:
    (found,) = searches(searched).values()
    assert found["defended"].configurations[0] == found["undefended"].winner
    assert len({c.to_json() for found_search in found.values() for c in found_search.configurations}) > 4


def test_the_report_side_reads_the_same_searches_and_says_the_winners(searched: Study) -> None:
    ((label, found),) = searches(searched).items()
    assert searches_of(assemble(searched))[label] == {r: h.search for r, h in found.items()}
    verdict = conclude(searched).verdict
    figures = {(line.what, line.subject): line for line in verdict.conditions[0].figures}
    assert figures[f"trials completed, {label}", "undefended"].count == 4
    assert verdict.conditions[0].provisional is None
    for role, found_search in found.items():
        assert found_search.winner is not None
        assert str(found_search.winner.parameters["lr"]) in figures[f"selected attack, {label}", role].note


def test_each_searched_attack_counts_twice_among_the_decisions_of_a_replicate(searched: Study) -> None:
    assert levels_of(searched.protocol, "resistance").decisions == 2 * 3  # two selected attacks; doses 0, 2, 4
    assert searched.protocol.attacks_on("defended")[1].attack.endswith(" of the undefended")


def test_whatever_the_order_of_work_the_trials_are_the_same(searched: Study, tmp_path: Path) -> None:
    study = begin(tmp_path, search)
    finish(study, last_first=True)
    (label,) = searches(study)
    for role in ("undefended", "defended"):
        assert trials(study, label, role) == trials(searched, label, role)


def test_failed_trials_are_repeated_up_to_twice_the_number_and_then_nothing_is_decided(tmp_path: Path) -> None:
    def diverging(data: dict[str, Any]) -> None:
        search(data, trials=2, sampler="random", warm_start=False)
        data["attacker"]["attack"] = [
            {"name": "direct", "batch": 4, "search": {"lr": {"low": 1e29, "high": 1e30}}},
        ]

    study = begin(tmp_path, diverging)
    finish(study)
    (found,) = searches(study).values()
    for found_search in found.values():
        assert found_search.finished
        assert found_search.winner is None
        assert [trial.failure is not None for trial in found_search.search.trials] == [True] * 4
    resistance = conclude(study).verdict.conditions[0]
    assert resistance.outcome == "undecided"
    assert "the search on the undefended subject completed 0 of 2 trials, 4 of at most 4 tried" in resistance.reason


def test_the_utility_of_a_trial_is_read_at_the_dose_that_ranks_it(tmp_path: Path) -> None:
    def floored(data: dict[str, Any]) -> None:
        search(data, utility_floor=1.0)
        data["task"].append(
            {
                "source": data["benign"][0]["source"],
                "group": "group",
                "name": "floor",
                "kind": "choice",
                "columns": {"options": "refusal"},
                "splits": {"select": 12, "verdict": 12},
            }
        )
        data["stability"]["tasks"].append("floor")

    study = begin(tmp_path, floored)
    finish(study)
    (found,) = searches(study).values()
    for found_search in found.values():
        for trial, track in zip(found_search.search.trials, found_search.curves, strict=True):
            judge = next(ref for ref in track.cells[0].task.inputs.judges if ref.probe == "select:floor")
            ranking = ranked_by(trial.points, study.protocol.harm.threshold)
            assert ranking is not None
            values = [study.store.read_values(judge.key, dose) for dose in (ranking.dose, 0)]
            assert trial.utility == tuple(sum(value or 0.0 for value in column) / 12 for column in values)


def test_an_attack_that_reads_the_horizon_is_searched_too(tmp_path: Path) -> None:
    def cosine(data: dict[str, Any]) -> None:
        search(data, trials=2)
        data["attacker"]["attack"][0]["schedule"] = "cosine"

    study = begin(tmp_path, cosine)
    finish(study)
    assert conclude(study).verdict.conditions[0].outcome in ("undecided", "refuted")
