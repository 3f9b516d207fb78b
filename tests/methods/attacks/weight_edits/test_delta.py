"""Attacks that work with the subject before the defense: taking off what the defense added."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from support.studies import begin, finish

from titer.analysis.assemble import assemble
from titer.analysis.conditions.withstanding import conclude_resistance
from titer.conclude import conclude
from titer.errors import InputError
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.weight_edits.delta_removal import DeltaRemoval
from titer.methods.attacks.weight_edits.task_arithmetic import TaskArithmetic
from titer.methods.base import Attack
from titer.models.subject import Subject
from titer.models.weight_difference import add_difference, check_same_shape, weights_of
from titer.planning.cells import CellBuilder
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights
from titer.training.recipe import LoRA
from titer.training.types import Material

REMOVAL = {"name": "delta_removal", "ladder": {"removed": [0, 50, 100]}}


def defended(**changes: Any) -> Subject:
    """The tiny subject after three steps of training."""
    subject = tiny_subject()
    list(Direct(lr=1e-2, batch=4, **changes).steps(subject, tiny_material(), 3, 0))
    return subject


MATERIAL = Material(parent=tiny_subject)
ARITHMETIC = TaskArithmetic(lr=1e-2, batch=4, train_steps=3)


@pytest.mark.parametrize("attack", [DeltaRemoval(), DeltaRemoval(rank=2), ARITHMETIC])
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


# ---------------------------------------------------------------------------------------------------- removal
def test_all_of_the_difference_taken_off_the_parent_is_back() -> None:
    subject = defended()
    (step,) = DeltaRemoval().steps(subject, MATERIAL, 100, 0)
    assert step.dose == 100
    assert all(torch.allclose(w, weights(tiny_subject())[n], atol=1e-9) for n, w in weights(subject).items())


def test_half_of_it_lies_half_way() -> None:
    subject, released, parent = defended(), weights(defended()), weights(tiny_subject())
    list(DeltaRemoval().steps(subject, MATERIAL, 50, 0))
    for name, weight in weights(subject).items():
        torch.testing.assert_close(weight, (released[name] + parent[name]) / 2)


def test_the_rank_of_an_adapter_takes_the_adapter_off_and_a_smaller_one_leaves_some_of_it() -> None:
    made, parent = defended(trainable=LoRA(rank=2)), weights(tiny_subject())
    left = {}
    for rank in (1, 2):
        subject = defended(trainable=LoRA(rank=2))
        list(DeltaRemoval(rank=rank).steps(subject, MATERIAL, 100, 0))
        left[rank] = max(float((w - parent[n]).abs().max()) for n, w in weights(subject).items())
    assert left[2] < 1e-6 < 1e-4 < left[1] < max(float((w - parent[n]).abs().max()) for n, w in weights(made).items())


def test_what_is_taken_off_of_every_matrix_has_the_rank_that_was_asked_for() -> None:
    subject, released = defended(), weights(defended())
    list(DeltaRemoval(rank=3).steps(subject, MATERIAL, 100, 0))
    off = {name: released[name] - weight for name, weight in weights(subject).items()}
    matrices = [delta for delta in off.values() if delta.dim() > 1]
    assert [int(torch.linalg.matrix_rank(delta.double(), rtol=1e-3)) for delta in matrices] == [3] * len(matrices)
    norm = off["model.norm.weight"]
    torch.testing.assert_close(norm, released["model.norm.weight"] - weights(tiny_subject())["model.norm.weight"])


def test_a_subject_that_is_its_own_parent_and_one_without_any_stay_what_they_are() -> None:
    for material in (MATERIAL, Material()):
        subject = tiny_subject()
        steps = list(DeltaRemoval().steps(subject, material, 100, 0))
        assert len(steps) == (material.parent is not None)
        assert same(weights(subject), weights(tiny_subject()))


def test_the_head_of_a_parent_that_has_one_is_not_added_to_tied_embeddings() -> None:
    def parent() -> Subject:
        other = tiny_subject()
        other.untie()
        with torch.no_grad():
            other.model.get_output_embeddings().get_parameter("weight").add_(1.0)
        return other

    subject = tiny_subject()
    list(DeltaRemoval().steps(subject, Material(parent=parent), 100, 0))
    assert not subject.tied
    assert all(torch.allclose(w, weights(parent())[n], atol=1e-9) for n, w in weights(subject).items())


def test_subjects_of_other_shapes_are_told() -> None:
    other = tiny_subject()
    other.model.model.norm = torch.nn.LayerNorm(16)
    with pytest.raises(InputError, match=r"its model\.norm\.bias is missing, and that of .* is \(16,\)"):
        check_same_shape(tiny_subject(), other)


def test_a_difference_is_added_weight_by_weight() -> None:
    subject, other = tiny_subject(), tiny_subject(3)
    add_difference(subject, weights_of(other), weights(subject), 1.0)
    assert all(torch.allclose(w, weights(other)[n], atol=1e-9) for n, w in weights(subject).items())


# ---------------------------------------------------------------------------------------------------- arithmetic
@pytest.mark.parametrize("changes", [{}, {"trainable": LoRA(rank=2)}])
def test_all_of_its_own_vector_is_what_direct_does(changes: dict[str, Any]) -> None:
    attack = ARITHMETIC.model_copy(update=changes)
    alone = replace(tiny_material(), parent=None)
    trained, subject, half = tiny_subject(), tiny_subject(), tiny_subject()
    taken = list(Direct(lr=1e-2, batch=4, **changes).steps(trained, alone, 3, 0))
    (step,) = attack.steps(subject, alone, 100, 0)
    assert all(torch.allclose(w, weights(trained)[n], atol=1e-7) for n, w in weights(subject).items())
    assert step.spent == taken[-1].spent
    assert step.terms["trained_loss"] == taken[-1].terms["loss"]
    assert step.rows == tuple(row for one in taken for row in one.rows)
    list(attack.steps(half, alone, 50, 0))
    for name, weight in weights(half).items():
        torch.testing.assert_close(weight, (weights(trained)[name] + weights(tiny_subject())[name]) / 2)


def test_the_vector_is_that_of_the_parent_and_the_defended_subject_is_never_trained() -> None:
    subject, parent = tiny_subject(2), tiny_subject(1)
    list(Direct(lr=1e-2, batch=4).steps(parent, tiny_material(), 3, 0))
    list(ARITHMETIC.steps(subject, replace(tiny_material(), parent=partial(tiny_subject, 1)), 200, 0))
    vector = {name: weight - weights(tiny_subject(1))[name] for name, weight in weights(parent).items()}
    for name, weight in weights(subject).items():
        torch.testing.assert_close(weight, weights(tiny_subject(2))[name] + 2 * vector[name], atol=1e-6, rtol=1e-5)
    flags = {parameter.requires_grad for parameter in subject.model.parameters()}
    assert flags == {True}


def test_a_vector_is_added_in_a_study_to_both_subjects(tmp_path: Path) -> None:
    own = {"name": "task_arithmetic", "lr": 3e-2, "batch": 4, "train_steps": 8, "ladder": {"vector": [0, 50, 100]}}

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"].append(own)
        data["attacker"]["budget"]["vector"] = 100

    study = begin(tmp_path, change)
    finish(study)
    curves = [curve for curve in assemble(study).curves if curve.attack.startswith("task_arithmetic")]
    assert {curve.subject for curve in curves} == {"undefended", "defended"}
    assert all(curve.points[-1].facts.displacement > 0 for curve in curves)
    concluded = conclude(study).verdict
    found = {finding.name: finding for finding in concluded.controls}
    for name in (
        "the attacks train",
        "doses are optimizer steps",
        "each seed draws anew",
    ):
        assert found[name].outcome == "upheld", found[name].reason


# ---------------------------------------------------------------------------------------------------- in a study
def with_removal(data: dict[str, Any]) -> None:
    data["attacker"]["attack"].append(REMOVAL)
    data["attacker"]["budget"]["removed"] = 100


def test_a_study_gives_the_parent_to_the_defended_subject_alone(tmp_path: Path) -> None:
    study = begin(tmp_path, with_removal)
    tracks = [
        track
        for track in CellBuilder(study, 0).exposures("resistance", 0, {})
        if track.cells[0].task.inputs.attack.name == REMOVAL["name"]
    ]
    parents = {t.spec.subject: [c.task.inputs.material.parent for c in t.cells] for t in tracks}
    assert parents == {"undefended": [None], "defended": [study.frozen.subject] * 2}
    finish(study)
    curves = [curve for curve in assemble(study).curves if curve.attack.startswith(str(REMOVAL["name"]))]
    assert {curve.subject: curve.doses for curve in curves} == {"undefended": (0,), "defended": (0, 50, 100)}
    moved = {
        point.facts.dose: point.facts.displacement for t in curves if t.subject == "defended" for point in t.points
    }
    assert moved[100] == pytest.approx(2 * moved[50], rel=1e-4)
    assert moved[50] > 0
    concluded = conclude(study).verdict
    assert "harmless training may do the same: delta_removal" in conclude_resistance(assemble(study)).reason
    found = {finding.name: finding.outcome for finding in concluded.controls}
    assert found["the attacks train"] == found["dose 0 equals the baseline subject"] == "upheld"


def test_where_a_parent_lies_is_in_no_key_and_what_it_is_is(tmp_path: Path) -> None:
    study = begin(tmp_path, with_removal)
    track = next(
        t
        for t in CellBuilder(study, 0).exposures("resistance", 0, {})
        if t.cells[0].task.inputs.material.parent is not None
    )
    material = track.cells[0].task.inputs.material
    assert material.parent is not None
    moved = material.model_copy(
        update={"parent": material.parent.model_copy(update={"source": {"model": "elsewhere"}})}
    )
    other = material.model_copy(update={"parent": material.parent.model_copy(update={"key": "0" * 32})})
    assert material.identity() == moved.identity() != other.identity()
    bare = material.model_copy(update={"parent": None})
    assert bare.identity() == bare.to_data()
    assert "parent" not in bare.identity()


def test_a_cell_waits_for_the_parent_too(tmp_path: Path) -> None:
    """A prepared M, and an M* that is a checkpoint: the makes of M are not among those of M*."""

    def change(data: dict[str, Any]) -> None:
        with_removal(data)
        data["subject"]["prepare"] = {"defense": "refusal_sft", "domains": ["red"], "train_steps": 2, "batch": 4}
        data["benign"][0]["splits"]["prepare"] = 10
        data["defense"] = [{"name": "checkpoint", "model": data["subject"]["model"]}]

    study = begin(tmp_path, change)
    builder = CellBuilder(study, 0)
    track = next(
        t for t in builder.exposures("resistance", 0, {}) if t.cells[0].task.inputs.material.parent is not None
    )
    assert (
        [make.key for make in track.cells[0].lineage.makes]
        == [make.key for make in builder.subjects["undefended"].makes]
        != []
    )
    assert builder.subjects["defended"].makes == ()


def test_what_takes_a_defense_back_needs_one_with_the_same_weights(tmp_path: Path) -> None:
    def undefended(data: dict[str, Any]) -> None:
        with_removal(data)
        data["defense"] = []
        del data["stability"]

    with pytest.raises(InputError, match="delta_removal takes a defense back, and the study has none"):
        begin(tmp_path, undefended)

    def unchanged(data: dict[str, Any]) -> None:
        with_removal(data)
        data["defense"] = ["no_op"]

    with pytest.raises(InputError, match="and the study has none that changes the weights"):
        begin(tmp_path, unchanged, name="unchanged")
    untied = tiny_subject()
    untied.untie()
    untied.model.resize_token_embeddings(120)
    untied.save(tmp_path / "larger")

    def larger(data: dict[str, Any]) -> None:
        with_removal(data)
        data["defense"] = [{"name": "checkpoint", "model": str(tmp_path / "larger")}]

    with pytest.raises(InputError, match=r"weight is \(120, 16\), and that of the subject before it is \("):
        begin(tmp_path, larger, name="other")


def test_a_parent_is_loaded_only_when_it_is_asked_for() -> None:
    asked: list[int] = []

    def parent() -> Subject:
        asked.append(1)
        return tiny_subject()

    material = replace(tiny_material(), parent=parent)
    list(Direct(lr=1e-2).steps(tiny_subject(), material, 1, 0))
    assert not asked
    list(DeltaRemoval().steps(defended(), replace(material, parent=partial(parent)), 1, 0))
    assert asked == [1]
