"""The control of scale: which sizes of the weights leave a verdict as it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support import assays

from titer.analysis.controls.control import ControlResult
from titer.analysis.controls.weights_alike import weights_train_alike
from titer.analysis.findings import Assay, Curve
from titer.analysis.verdict import decide
from titer.protocol.attack_families import AttackFacts
from titer.records import RMS

PLAN = assays.protocol()


def sized(undefended: Mapping[str, float], defended: Mapping[str, float], truth: Assay | None = None) -> Assay:
    """An assay whose baselines read these sizes of the weights."""
    truth = truth or assays.assay(PLAN, assays.breaking())

    def own(curve: Curve) -> Curve:
        if curve.purpose != "stability":
            return curve
        sizes = undefended if curve.subject == "undefended" else defended
        terms = {f"{RMS}{name}": size for name, size in sizes.items()}
        (point,) = curve.points
        facts = point.facts.model_copy(update={"terms": terms})
        return curve.model_copy(update={"points": (point.model_copy(update={"facts": facts}),)})

    return truth.model_copy(update={"curves": tuple(map(own, truth.curves))})


def check(undefended: Mapping[str, float], defended: Mapping[str, float]) -> ControlResult:
    return weights_train_alike(sized(undefended, defended))


@pytest.mark.parametrize(
    ("size", "outcome"),
    [(0.02, "upheld"), (0.03, "upheld"), (0.0301, "undecided"), (0.0134, "upheld"), (0.0133, "undecided")],
)
def test_the_limits_are_two_thirds_and_three_halves_of_each_weight(size: float, outcome: str) -> None:
    assert check({"a": 0.02, "b": 1.0}, {"a": size, "b": 1.0}).outcome == outcome


@pytest.mark.parametrize(
    ("undefended", "defended", "outcome"),
    [
        ({"a": 0.0}, {"a": 0.0}, "upheld"),
        ({"a": 0.0, "b": 1.0}, {"a": 1e-9, "b": 1.0}, "undecided"),
        ({"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 1.0}, "undecided"),
        ({"a": 1.0}, {"a": 1.0, "b": 1.0}, "undecided"),
        ({}, {"a": 1.0}, "undecided"),
        ({}, {}, "undecided"),
    ],
)
def test_a_weight_of_one_model_alone_and_sizes_that_were_not_read_leave_it_open(
    undefended: Mapping[str, float], defended: Mapping[str, float], outcome: str
) -> None:
    assert check(undefended, defended).outcome == outcome


def test_an_open_one_takes_the_word_upheld_and_no_refutation() -> None:
    scaled = {"a": 0.02}, {"a": 0.08}
    held = assays.assay(PLAN, assays.breaking())
    assert decide(sized({"a": 0.02}, {"a": 0.02}, held)).outcome == "upheld"
    assert decide(sized(*scaled, held)).outcome == "undecided"
    assert decide(sized(*scaled, assays.assay(PLAN, assays.breaking(S_vaults=16)))).outcome == "refuted"


def test_an_attack_that_rescales_the_weights_answers_it() -> None:
    truth = sized({"a": 0.02}, {"a": 0.08})
    facts = {label: AttackFacts(trains=False, rescales=True) for label in truth.attacks}
    assert weights_train_alike(truth.model_copy(update={"attacks": facts})).outcome == "upheld"


def test_a_gate_without_another_model_has_nothing_to_compare() -> None:
    alone = assays.protocol(lambda data: data.update(defense=[]))
    assert weights_train_alike(assays.assay(alone, assays.breaking())).outcome == "not applicable"
