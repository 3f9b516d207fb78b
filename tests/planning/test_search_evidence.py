"""The winner of a search is the same by its plan and by its report, whatever came twice or could not be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.orders import orders, without_orders
from support.studies import begin, finish, search

from titer.analysis.assemble import assemble, assemble_packed
from titer.analysis.conditions.attack_search_numbers import search_figures
from titer.analysis.conditions.attack_searches import searches_of
from titer.analysis.conditions.withstanding import conclude_resistance
from titer.analysis.findings import Assay
from titer.conclude import conclude, pack, report
from titer.planning.lineage import lineages
from titer.planning.search.attack_search import AttackSearch
from titer.planning.search.attack_searches import AttackSearches
from titer.records import Choice, Role
from titer.stats.search.selection import finalists, winner
from titer.stats.search.trials import Trial, distinct
from titer.study.folder import Study
from titer.study.unpacking import read_packed
from titer.study.view import StoreView


def searches(study: Study) -> tuple[str, dict[Role, AttackSearch]]:
    """The search of a study on each subject, replayed from the store, and its label."""
    found = AttackSearches(study)
    found.advance(StoreView(study.store))
    ((label, by_role),) = found.found.items()
    return label, by_role


def of_two(data: dict[str, Any]) -> None:
    """Four trials of two configurations, one of them the default, which is what is written by hand."""
    search(data, trials=4)
    data["attacker"]["attack"] = [{"name": "direct", "lr": 3e-2, "search": {"accumulation": [1, 2]}}]
    data["attacker"]["sham"] = False


def test_equal_configurations_are_one_candidate(tmp_path: Path) -> None:
    study = begin(tmp_path, of_two)
    finish(study)
    label, found = searches(study)
    expected = assemble(study)
    read = searches_of(expected)[label]
    for role, search_ in found.items():
        assert len(search_.search.trials) == 4
        assert len(distinct(search_.search.in_order)) == 2
        assert read[role] == search_.search
        best = sorted(trial.number for trial in finalists(search_.search))
        assert best[0] == 0
        assert len(best) == 2
        assert sorted(search_.reruns) == [(number, seed) for number in best for seed in (1, 2)]
        (trials,) = (f for f in search_figures(expected) if f.subject == role and f.what.startswith("trials completed"))
        assert trials.note.endswith("2 configurations among them")
        (cost,) = (f for f in search_figures(expected) if f.subject == role and f.what.startswith("cost"))
        assert cost.value == _operations(expected, label, role)
    check_packed(study, expected, tmp_path / "out")
    assert "the same as 0" in (tmp_path / "out" / "ledger.md").read_text(encoding="utf-8")


def check_packed(study: Study, expected: Assay, out: Path) -> None:
    """A packed study has the same evidence as its folder."""
    pack(study, out)
    packed = assemble_packed(read_packed(out), out)
    assert orders(packed) == orders(expected)
    assert without_orders(packed) == without_orders(expected)


def _operations(assay: Assay, label: str, role: Role) -> int:
    """What the different cells of a search took."""
    curves = [c for c in assay.curves if c.trial is not None and (c.subject, c.attack) == (role, label)]
    return sum({c.cells[0].key: c.points[-1].facts.spent.flops for c in curves}.values())


def of_method(data: dict[str, Any]) -> None:
    search(data, trials=2, warm_start=False)
    data["attacker"]["sham"] = False
    data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}


def run_for_verdict(assay: Assay, label: str) -> set[str]:
    """The configurations of a searched attack on the defended subject, for the verdict."""
    ran = [c for c in assay.curves if c.purpose == "resistance" and (c.subject, c.attack) == ("defended", label)]
    return {c.configuration.to_json() for c in ran if c.configuration is not None}


def selected(assay: Assay, label: str) -> Choice | None:
    """The winner on the defended subject, by the report."""
    best: Trial | None = winner(searches_of(assay)[label]["defended"])
    ran = [c for c in assay.curves if c.trial is not None and (c.subject, c.index) == ("defended", 0)]
    return next(c.configuration for c in ran if best is not None and c.trial == best.number)


def test_a_make_that_fails_at_the_seed_of_a_rerun_is_no_evidence_and_marks_no_replicate(tmp_path: Path) -> None:
    study = begin(tmp_path, of_method)
    make = lineages(study, 1, "search")["defended"].makes[-1]
    study.store.write_failure(make.key, "diverged at step 2")
    finish(study)
    label, found = searches(study)
    assay = assemble(study)
    assert searches_of(assay)[label] == {role: search_.search for role, search_ in found.items()}
    planned = found["defended"]
    assert planned.finished
    assert [(r.trial, r.seed) for r in planned.search.reruns if r.failure] == [(0, 1), (1, 1)]
    assert selected(assay, label) == planned.winner
    assert planned.winner is not None
    assert run_for_verdict(assay, label) == {planned.winner.to_json()}
    assert assay.failed_makes == ()
    assert {curve.index for curve in assay.curves if curve.purpose == "resistance"} == {0, 1}
    text = report(conclude(study), ("md",))[1].read_text(encoding="utf-8")
    assert "not made" in text
    assert "indices used: 0, 1." in text  # those of searches are no replicates


def test_a_make_that_fails_at_the_seed_of_all_trials_says_why_nothing_was_found(tmp_path: Path) -> None:
    study = begin(tmp_path, of_method)
    make = lineages(study, 0, "search")["defended"].makes[-1]
    study.store.write_failure(make.key, "diverged at step 2")
    finish(study)
    label, found = searches(study)
    assay = assemble(study)
    assert searches_of(assay)[label] == {role: search_.search for role, search_ in found.items()}
    assert found["defended"].winner is None
    assert assay.failed_makes == ()
    check_packed(study, assay, tmp_path / "out")
    resistance = conclude_resistance(assemble(study))
    assert "completed 0 of 2 trials, 4 of at most 4 tried; failed: diverged at step 2 (4)" in resistance.reason
