"""Low-rank extrapolation against its formula written out, what it leaves alone, and which model it goes on from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from support.float64 import float64_subject
from support.studies import begin, do_all
from torch import Tensor

from titer.analysis.made_model import MadeModel
from titer.errors import InputError
from titer.methods.defenses.data_and_weights.lox import LoX
from titer.models.subject import Subject, load
from titer.models.weight_difference import check_same_kind
from titer.planning.cost.model import Costs
from titer.planning.lineage import lineages
from titer.report.model_card import MakeCost, model_card
from titer.study.folder import Study
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.types import Material

MATERIAL = Material(parent=partial(float64_subject, 1))
WITHHOLDING = {"defense": "refusal_sft", "domains": ["red"], "train_steps": 3, "lr": 1e-2, "batch": 4}


def made(defense: LoX, material: Material = MATERIAL) -> dict[str, Tensor]:
    subject = float64_subject()
    (step,) = defense.steps(subject, material, 0, None)
    assert (step.dose, step.spent.tokens) == (1, 0)
    return dict(weights(subject))


@pytest.mark.parametrize("k", [0, 3])
def test_conformance(k: int) -> None:
    check_defense(LoX(k=k))


@pytest.mark.parametrize("k", [1, 4, 0])
def test_every_matrix_is_carried_further_along_its_first_directions_and_no_vector(k: int) -> None:
    aligned, base = weights(float64_subject()), weights(float64_subject(1))
    for name, weight in made(LoX(k=k, alpha=1.25)).items():
        expected = aligned[name]
        if expected.dim() > 1:
            u, _, _ = torch.linalg.svd(aligned[name] - base[name], full_matrices=False)
            u = u[:, : k or None]
            expected = expected + 1.25 * u @ (u.T @ (aligned[name] - base[name]))
        torch.testing.assert_close(weight, expected, rtol=1e-10, atol=1e-12)


def test_the_rank_of_what_is_added_is_that_asked_for() -> None:
    aligned = weights(float64_subject())
    added = {name: weight - aligned[name] for name, weight in made(LoX(k=3)).items() if weight.dim() > 1}
    assert [int(torch.linalg.matrix_rank(own, rtol=1e-9)) for own in added.values()] == [3] * len(added)
    assert len(added) == 16


def test_an_alpha_of_zero_changes_nothing() -> None:
    assert same(made(LoX(alpha=0.0)), weights(float64_subject()))


def test_a_base_with_a_head_of_its_own_parts_the_subject_from_its_embeddings() -> None:
    def untied() -> Subject:
        other = float64_subject(1)
        other.untie()
        return other

    subject = float64_subject()
    list(LoX(k=0, alpha=1.0).steps(subject, Material(parent=untied), 0, None))
    assert not subject.tied


def test_a_base_of_another_shape_or_with_other_tokens_is_told() -> None:
    larger = tiny_subject()
    larger.model.resize_token_embeddings(120)
    with pytest.raises(InputError, match=r"lm_head.weight is \(120, 16\), and that of the subject is \("):
        check_same_kind(tiny_subject(), larger)
    other = tiny_subject()
    other.tokenizer.add_tokens(["zebra"])
    with pytest.raises(InputError, match="has 102 for 'zebra', and that of the subject no number"):
        check_same_kind(tiny_subject(), other)
    with pytest.raises(InputError, match="there is none"):
        list(LoX().steps(tiny_subject(), replace(tiny_material(), parent=None), 0, None))


# ---------------------------------------------------------------------------------------------------- in a study
def prepared(data: dict[str, Any]) -> None:
    data["subject"]["prepare"] = WITHHOLDING
    data["benign"][0]["splits"]["prepare"] = 10
    data["defense"] = [{"name": "lox", "k": 2}]


def subjects(study: Study) -> list[dict[str, Tensor]]:
    """The weights of the model, of the prepared one, and of the defended one."""
    own = lineages(study, 0)
    sources: list[dict[str, Any]] = [study.frozen.subject.source or {}]
    sources += [{"model": str(study.store.read_subject(own[role].ref.key))} for role in ("undefended", "defended")]
    return [dict(weights(load(source))) for source in sources]


UNREAD = MadeModel(outcome="undecided", readings=(), missing=(), displacement=0.0, margin=0.05, level=0.05)


def test_in_a_study_it_goes_on_from_the_model_before_the_preparation(tmp_path: Path) -> None:
    study = begin(tmp_path, prepared)
    make = lineages(study, 0)["defended"].makes[-1]
    assert make.material.parent == study.frozen.subject
    assert make.parent.key == lineages(study, 0)["undefended"].ref.key
    makes = lineages(study, 0)["defended"].makes
    card = model_card("it", makes, [MakeCost(method=None, tokens=1, operations=1)] * len(makes), UNREAD, None)
    assert f"| aligned from | {study.frozen.subject.key} |" in card
    assert study.frozen.parameters is not None
    assert Costs(study).memory(make) == 2 * 4 * study.frozen.parameters, "the subject and its base, in float32"
    do_all(study)
    model, aligned, defended = subjects(study)
    moved = 0
    for name, weight in aligned.items():
        added = defended[name] - weight
        if weight.dim() < 2:
            assert torch.equal(defended[name], weight)
            continue
        u, s, v = torch.linalg.svd((weight - model[name]).double(), full_matrices=False)
        torch.testing.assert_close(added.double(), 1.25 * (u[:, :2] * s[:2]) @ v[:2], atol=1e-6, rtol=1e-3)
        moved += 1
    assert moved == 16


def test_a_base_that_is_named_is_frozen_by_its_digest_and_enters_the_key(tmp_path: Path) -> None:
    for seed in (3, 4):
        tiny_subject(seed).save(tmp_path / f"base{seed}")

    def change(data: dict[str, Any], seed: int) -> None:
        data["defense"] = [{"name": "lox", "base": str(tmp_path / f"base{seed}")}]

    keys = []
    for seed in (3, 4):
        study = begin(tmp_path, partial(change, seed=seed), name=f"study{seed}")
        (make,) = lineages(study, 0)["defended"].makes
        assert make.material.parent == study.frozen.bases["defense.0"]
        keys.append(make.material.identity()["parent"])
    assert keys[0] != keys[1]
    assert begin(tmp_path, name="without").frozen.to_data().keys().isdisjoint({"bases"})


def test_what_it_cannot_go_on_from_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is the study's model itself") as caught:
        begin(tmp_path, lambda data: data.update(defense=[{"name": "lox"}]), name="itself")
    assert caught.value.place == "defense.0, base"
    larger = tiny_subject()
    larger.model.resize_token_embeddings(120)
    larger.save(tmp_path / "larger")
    base = {"name": "lox", "base": str(tmp_path / "larger")}
    with pytest.raises(InputError, match=r"is \(120, 16\)") as caught:
        begin(tmp_path, lambda data: data.update(defense=[base]), name="larger")
    assert caught.value.place == "defense.0, base"
    with pytest.raises(InputError) as caught:
        begin(tmp_path, lambda data: data.update(defense=[{"name": "lox", "base": "./nowhere"}]), name="nowhere")
    assert caught.value.place == "defense.0.base"


def test_in_a_chain_it_goes_on_from_the_model_before_all_defenses(tmp_path: Path) -> None:
    def chained(data: dict[str, Any]) -> None:
        data["defense"].append({"name": "lox", "k": 1})

    study = begin(tmp_path, chained)
    first, second = lineages(study, 0)["defended"].makes
    assert second.parent.key == first.key
    assert second.material.parent == study.frozen.subject
