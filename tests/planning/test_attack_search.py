"""Searches in whole studies: they begin by hand, go the same way whatever the order of work, and end with re-runs."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish, search, searches

from titer.analysis.assemble import assemble
from titer.analysis.conditions.attack_search_numbers import AT_FIRST_DOSE
from titer.analysis.conditions.attack_searches import searches_of
from titer.analysis.conditions.withstanding import conclude_resistance
from titer.analysis.stopping import wanted
from titer.errors import InputError
from titer.planning.search.attack_searches import AttackSearches
from titer.protocol.exposure import levels_of
from titer.records import canonical
from titer.stats.search.points import crossing
from titer.stats.search.points import ranking as ranked_by
from titer.stats.search.selection import at_first_dose, finalists
from titer.stats.search.trials import bound_before
from titer.study.folder import Study
from titer.study.view import StoreView


def trials(study: Study, label: str, role: Any) -> list[tuple[Any, ...]]:
    """What each trial tried, and where it crossed."""
    found_search = searches(study)[label][role]
    return [
        (c.to_json(), t.points) for c, t in zip(found_search.configurations, found_search.search.trials, strict=True)
    ]


def shammed(data: dict[str, Any]) -> None:
    """A search whose trials count only where harmless answers are kept, and beyond their shams."""
    search(data, utility={"margin": 2.0, "share": 0.5})
    data["benign"][0]["splits"] |= {"sham": 8, "select": 12}
    data["attacker"]["sham"] = True


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("searched"), shammed)
    finish(study)
    return study


def test_a_search_begins_with_what_is_written_by_hand_and_then_with_the_winner_on_m(searched: Study) -> None:
    ((label, found),) = searches(searched).items()
    (choice,) = searched.protocol.attacker.attack
    assert choice.label == label
    for found_search in found.values():
        assert found_search.configurations[0].parameters == {"lr": 3e-3, "batch": 4}
        assert len({c.to_json() for c in found_search.configurations}) == 4
    best = found["undefended"].winner
    assert best in found["defended"].configurations[:2]


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


def test_a_trial_ends_at_a_crossing_or_where_three_of_earlier_rounds_crossed(searched: Study) -> None:
    (found,) = searches(searched).values()
    for found_search in found.values():
        for trial in found_search.search.trials:
            bound = bound_before(found_search.search, trial.round) or 8
            assert trial.points[-1].rate > 0.5 or trial.points[-1].dose == bound


def test_the_best_trials_have_a_sham_at_their_dose_and_run_on_two_more_seeds(searched: Study) -> None:
    (found,) = searches(searched).values()
    assert any(found_search.shams for found_search in found.values())
    for found_search in found.values():
        best = finalists(found_search.search)
        assert 1 < len(best) <= 3
        runs = sorted((trial.number, seed) for trial in best for seed in (1, 2))
        assert sorted(found_search.reruns) == [(r.trial, r.seed) for r in found_search.search.reruns] == runs
        for trial in best:
            dose = crossing(trial.points, 0.5)
            assert (trial.sham is None) == (dose is None)
            assert trial.utility is not None
            assert trial.utility.items == 12
        for number, curve in found_search.shams.items():
            (cell,) = curve.cells
            assert cell.spec.doses == (crossing(found_search.search.in_order[number].points, 0.5),)
            benign = searched.frozen.rows["benign/sham"]  # type: ignore[index]
            assert [ref.digest for ref in cell.task.inputs.material.train] == [benign]
            assert cell.task.inputs.attack == found_search.configurations[number]


def test_the_report_side_reads_the_same_searches_and_says_the_winners(searched: Study) -> None:
    ((label, found),) = searches(searched).items()
    assert searches_of(assemble(searched))[label] == {r: h.search for r, h in found.items()}
    resistance = conclude_resistance(assemble(searched))
    figures = {(line.what, line.subject): line for line in resistance.figures}
    assert figures[f"trials completed, {label}", "undefended"].count == 4
    assert "was not searched" not in (resistance.provisional or "")
    for role, found_search in found.items():
        assert found_search.winner is not None
        assert canonical(found_search.winner.parameters) in figures[f"selected attack, {label}", role].note
        best = figures[f"best dose of the search, {label}", role]
        assert (AT_FIRST_DOSE in best.note) == at_first_dose(found_search.search)
        cost = figures[f"cost of the search, {label}", role]
        ran = [curve.specs[0].key for curve in found_search.curves]
        assert cost.note.startswith(f"4 trials, {len(found_search.shams)} sham")
        assert cost.value == sum(_operations(searched, key) for key in ran)
        moved = figures[f"displacement of the selected attack, {label}", role].value
        assert moved is not None
        assert moved > 0


def _operations(study: Study, cell: str) -> int:
    """What a cell took up to the last dose that its study reads of it."""
    (spec,) = [spec for spec in study.read_cells() if spec.key == cell]
    last = wanted(StoreView(study.store), spec, study.frozen.judges_of(spec))[-1]
    return study.store.read_facts(cell, last).spent.flops


def test_each_searched_attack_counts_twice_among_the_decisions_of_a_replicate(searched: Study) -> None:
    assert levels_of(searched.protocol, "resistance").decisions == 2 * 3  # two selected attacks; doses 0, 2, 4
    assert searched.protocol.attacks_on("defended")[1].attack.endswith(" of the undefended")


def test_whatever_the_order_of_work_the_trials_are_the_same(searched: Study, tmp_path: Path) -> None:
    study = begin(tmp_path, shammed)
    finish(study, last_first=True)
    (label,) = searches(study)
    for role, found_search in searches(study)[label].items():
        assert trials(study, label, role) == trials(searched, label, role)
        other = searches(searched)[label][role]
        assert found_search.search == other.search
        assert found_search.winner == other.winner


def test_failed_trials_are_repeated_up_to_twice_the_number_and_then_nothing_is_decided(tmp_path: Path) -> None:
    def diverging(data: dict[str, Any]) -> None:
        search(data, trials=2, sampler="random", warm_start=False)
        data["attacker"]["attack"] = [
            {"name": "direct", "lr": 2e29, "batch": 4, "search": {"lr": {"low": 1e29, "high": 1e30}}},
        ]

    study = begin(tmp_path, diverging)
    finish(study)
    (found,) = searches(study).values()
    for found_search in found.values():
        assert found_search.finished
        assert found_search.winner is None
        assert [trial.failure is not None for trial in found_search.search.trials] == [True] * 4
    resistance = conclude_resistance(assemble(study))
    assert resistance.outcome == "undecided"
    assert "the search on the undefended subject completed 0 of 2 trials, 4 of at most 4 tried" in resistance.reason


def test_a_search_goes_on_with_the_optuna_that_it_began_with(searched: Study) -> None:
    """Another version may propose other trials: a finished study would begin to search anew."""
    assert searched.frozen.optuna == version("optuna")
    later = replace(searched, frozen=searched.frozen.model_copy(update={"optuna": "4.4.0"}))
    with pytest.raises(InputError, match=r"began with optuna 4\.4\.0") as told:
        AttackSearches(later)
    assert "Install optuna==4.4.0" in told.value.remedy
    unwritten = replace(searched, frozen=searched.frozen.model_copy(update={"optuna": None}))
    assert searches(unwritten).keys() == searches(searched).keys()


def test_the_utility_of_a_trial_is_read_at_the_dose_that_ranks_it(searched: Study) -> None:
    (found,) = searches(searched).values()
    for found_search in found.values():
        for trial, curve in zip(found_search.search.trials, found_search.trials, strict=True):
            judge = next(ref for ref in curve.cells[0].task.inputs.judges if ref.probe == "utility")
            at = ranked_by(trial.points, searched.protocol.harm.threshold)
            assert at is not None
            before, after = (searched.store.read_values(judge.key, dose) for dose in (0, at.dose))
            risen = sum((late or 0) - (early or 0) > 2 for early, late in zip(before, after, strict=True))
            assert trial.utility is not None
            assert trial.utility.worse == risen


def test_one_trial_alone_is_not_run_again(tmp_path: Path) -> None:
    def one(data: dict[str, Any]) -> None:
        search(data, trials=1)

    study = begin(tmp_path, one)
    finish(study)
    (found,) = searches(study).values()
    for found_search in found.values():
        assert found_search.search.reruns == ()
        assert found_search.winner == found_search.configurations[0]


def test_an_attack_that_reads_the_horizon_is_searched_too_and_both_of_two_trials_run_again(tmp_path: Path) -> None:
    def cosine(data: dict[str, Any]) -> None:
        search(data, trials=2)
        data["attacker"]["attack"][0]["schedule"] = "cosine"

    study = begin(tmp_path, cosine)
    finish(study)
    resistance = conclude_resistance(assemble(study))
    assert resistance.outcome in ("undecided", "refuted")
    (found,) = searches(study).values()
    for role, found_search in found.items():
        (cost,) = (f for f in resistance.figures if f.subject == role and f.what.startswith("cost of the search"))
        ran = [cell.key for cell in study.read_cells() if cell.trial is not None and cell.subject == role]
        assert cost.value == sum(_operations(study, key) for key in ran)  # each dose is a training of its own
        assert [(rerun.trial, rerun.seed) for rerun in found_search.search.reruns] == [(0, 1), (0, 2), (1, 1), (1, 2)]
