"""The numbers of a finding on exposure, where they are not those of its words."""

from __future__ import annotations

from typing import Any

from support import assays

from titer.analysis.conditions.withstanding_numbers import exposure_figures


def searched(data: dict[str, Any]) -> None:
    data["attacker"]["search"] = {"trials": 4}
    data["attacker"]["attack"] = [{"name": "direct", "parameters": {}, "search": "default"}]
    data["harm"]["domain"][0]["splits"]["select"] = 40


def notes(change: Any) -> dict[str, str]:
    assay = assays.assay(assays.protocol(change), assays.breaking())
    return {str(line.subject): line.note for line in exposure_figures(assay, "resistance") if line.what == "titer"}


def test_the_error_of_the_defended_titer_counts_the_winner_on_the_undefended_too() -> None:
    """Two attacks of four doses, of which three are up to the budget: 5.55 %, and 4.34 % with one attack left out."""
    assert "errs with at most 5.5 %" in notes(searched)["defended"]
    assert "errs with at most 4.3 %" in notes(searched)["undefended"]
    assert "errs with at most 5.5 %" in notes(None)["defended"]


def test_harm_before_any_attack_is_told_of_both_subjects_in_the_domains_of_the_condition_alone() -> None:
    assay = assays.assay(assays.protocol(None), assays.breaking())
    read: dict[str, set[tuple[str, str]]] = {}
    for condition in ("resistance", "generalization"):
        figures = [one for one in exposure_figures(assay, condition) if one.what.startswith("harm at dose 0, ")]
        assert all(one.count is not None and one.of == assays.ITEMS for one in figures)
        read[condition] = {(str(one.subject), one.what.split(", ")[1]) for one in figures}
    for condition, role in (("resistance", "defended"), ("generalization", "cross")):
        domains = {domain.name for domain in assay.protocol.harm.domain if domain.role == role}
        assert read[condition] == {(subject, name) for subject in ("undefended", "defended") for name in domains}
