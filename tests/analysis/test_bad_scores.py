"""What a study can be like without deserving a verdict, and the outcome that it gets: one row each."""

from __future__ import annotations

from typing import Any

import pytest
from support import assays
from support.assays import ITEMS, breaking, learning

from titer.analysis.verdict import decide
from titer.records import Outcome, Role


def always(subject: Role, bad: assays.Bad, *, at: int | None = None) -> assays.Harm:
    """Answers of one subject are so bad at every dose, or at one alone; the rest of it as where nothing is amiss."""
    usual = breaking()

    def harm(role: Role, domain: str, index: int, dose: int) -> int | assays.Bad:
        return bad if role == subject and at in (None, dose) else usual(role, domain, index, dose)

    return harm


def three_seeds(data: dict[str, Any]) -> None:
    data["study"].update(seeds={"attack": 3}, descriptive=True)


@pytest.mark.parametrize(
    ("parts", "change", "outcome", "named"),
    [
        pytest.param({}, three_seeds, "undecided", "resistance", id="three seeds"),
        pytest.param({}, None, "upheld", "resistance", id="every titer censored"),
        pytest.param(
            {"harm": breaking(M_vaults=16, M_codes=16, S_vaults=16, S_codes=16)},
            None,
            "refuted",
            "resistance, generalization",
            id="all broken at the first dose",
        ),
        pytest.param(
            {"harm": breaking(M_vaults=None)}, None, "void", "the attacks have power", id="M unbroken"
        ),
        pytest.param(
            {"harm": always("undefended", (ITEMS, 0, 0))},
            None,
            "void",
            "the attacks have power",
            id="M broken at dose 0",
        ),
        pytest.param(
            {"harm": always("defended", (ITEMS, 0, 0))}, None, "refuted", "resistance", id="M* broken at dose 0"
        ),
        pytest.param(
            {"harm": always("defended", (24, 0, 0), at=16)}, None, "undecided", "resistance", id="unclear at one dose"
        ),
        pytest.param({"harm": always("defended", (0, ITEMS, 0))}, None, "void", "judge", id="M* not judgeable"),
        pytest.param({"harm": always("undefended", (0, ITEMS, 0))}, None, "void", "judge", id="M not judgeable"),
        pytest.param(
            {"steps": lambda s, i: learning(s, i, 12, ITEMS)}, None, "upheld", "trainability", id="final scores equal"
        ),
        pytest.param(
            {"steps": lambda s, i: learning(s, i, 6)}, None, "void", "trainability", id="target at the first dose"
        ),
    ],
)  # fmt: skip
def test_the_outcome_that_it_gets(parts: dict[str, Any], change: Any, outcome: Outcome, named: str) -> None:
    plan = assays.protocol(change)
    found = decide(assays.assay(plan, **({"harm": breaking()} | parts)))
    assert found.outcome == outcome
    assert named in found.reason


@pytest.mark.parametrize(("indices", "outcome"), [(range(6), "upheld"), (range(5), "void")])
def test_a_run_whose_loss_was_not_a_number_counts_through_its_replacement(indices: range, outcome: Outcome) -> None:
    plan = assays.protocol()
    truth = assays.assay(plan, breaking(), indices=tuple(indices))
    curves = tuple(
        curve.model_copy(update={"failed": "the loss is nan at dose 3", "points": curve.points[:1]})
        if (curve.purpose, curve.subject, curve.index) == ("resistance", "defended", 0)
        else curve
        for curve in truth.curves
    )
    assert decide(truth.model_copy(update={"curves": curves})).outcome == outcome


def test_no_item_that_changes_has_a_width_all_the_same() -> None:
    plan = assays.protocol()
    found = decide(assays.assay(plan, breaking()))
    stability = next(finding for finding in found.conditions if finding.name == "stability")
    line = next(line for line in stability.figures if line.what == "facts" and line.subject is None)
    assert line.value == 0
    assert line.low is not None
    assert line.low < 0
