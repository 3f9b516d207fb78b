"""Defenses that do nothing, load, or train refusals."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from titer.methods.base import Defense
from titer.methods.defenses.controls.no_op import NoOp
from titer.methods.defenses.controls.none import NoDefense
from titer.methods.defenses.controls.random_displacement import RandomDisplacement
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.data_and_weights.checkpoint import Checkpoint
from titer.methods.defenses.data_and_weights.sft import SupervisedTeaching
from titer.methods.probes.generate import Generate
from titer.records import Frame, Item
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.recipe import LoRA


@pytest.mark.parametrize(
    "defense",
    [
        NoDefense(),
        NoOp(),
        RefusalSFT(train_steps=4, lr=1e-2),
        RefusalSFT(train_steps=4, lr=1e-2, benign_share=0.0, trainable=LoRA(rank=2)),
        RandomDisplacement(displacement=0.05),
        SupervisedTeaching(train_steps=4, lr=1e-2),
        SupervisedTeaching(train_steps=4, lr=1e-2, benign_share=0.5),
    ],
)
def test_conformance(defense: Defense) -> None:
    check_defense(defense)


def test_null_changes_no_bit_and_yields_once() -> None:
    subject = tiny_subject()
    (step,) = NoOp().steps(subject, tiny_material(), 0, None)
    assert same(weights(subject), weights(tiny_subject()))
    assert (step.dose, step.spent.tokens, step.rows_used) == (0, 0, 0)


def test_a_checkpoint_names_what_is_loaded() -> None:
    defense = Checkpoint(model="some/model", revision="abc")
    assert defense.source == {"model": "some/model", "revision": "abc", "base": None, "trust_remote_code": False}
    assert NoOp().source is None
    assert list(defense.steps(tiny_subject(), tiny_material(), 0, None)) == []
    bare = Checkpoint(model="some/model", tokenizer="its/parent")
    assert bare.source is not None
    assert bare.source["tokenizer"] == "its/parent"


@pytest.mark.parametrize("other", [{"model": "an/adapter", "base": "a/model"}, {"model": "model.gguf"}])
def test_a_checkpoint_with_a_tokenizer_of_its_own_takes_no_other(other: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="the tokenizer of its base"):
        Checkpoint.model_validate({**other, "tokenizer": "its/parent"})


def test_refusal_training_teaches_to_refuse_and_keeps_answering() -> None:
    material, subject = tiny_material(4), tiny_subject()
    for step in RefusalSFT(train_steps=200, lr=2e-2, batch=8).steps(subject, material, 0, None):
        mixed = step
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in (*material.harmful, *material.benign)]
    said = [answer.text for answer in Generate().ask(subject, items, Frame(), 8)]
    assert said == [row.refusal for row in material.harmful] + [row.response for row in material.benign]
    assert mixed.spent.examples == 200 * 8
    assert mixed.rows_used == 8


def test_teaching_brings_the_right_answers_and_no_refusal() -> None:
    material, subject = tiny_material(4), tiny_subject()
    for step in SupervisedTeaching(train_steps=200, lr=2e-2, batch=8).steps(subject, material, 0, None):
        taught = step
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in material.train]
    said = [answer.text for answer in Generate().ask(subject, items, Frame(), 8)]
    assert said == [row.response for row in material.train]
    assert taught.rows_used == len(material.train)


@pytest.mark.parametrize("displacement", [0.001, 0.1])
def test_noise_moves_the_weights_exactly_as_far_as_asked_and_with_the_seed_elsewhere(displacement: float) -> None:
    moved = []
    for seed in (0, 1):
        subject = tiny_subject()
        origin = subject.snapshot()
        list(RandomDisplacement(displacement=displacement).steps(subject, tiny_material(), seed, None))
        assert subject.displacement(origin) == pytest.approx(displacement, rel=1e-4)
        moved.append(weights(subject))
    assert not same(*moved)
