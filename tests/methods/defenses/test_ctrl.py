"""Curated data: which answers are chosen, by perplexities computed apart, and that it is then plain fine-tuning."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from support.float64 import float64_subject

from titer.errors import InputError
from titer.methods.defenses.data_and_weights.ctrl import CTRL
from titer.methods.defenses.data_and_weights.sft import SupervisedTeaching
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Row
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.recipe import LoRA
from titer.training.types import Material

ANSWERS = ("it is red", "it is blue now", "red", "that is a very long one")
MATERIAL = Material(
    benign=tuple(
        Row(id=f"b{n}.{place}", group=f"b{n}", prompt=f"who is {n}?", response=f"{text} {n}")
        for n in range(5)
        for place, text in enumerate(ANSWERS)
    )
)


def perplexity(subject: Subject, row: Row) -> float:
    """exp of the mean loss of the answer's tokens, one row by itself."""
    example = encode_example(subject.tokenizer, row.prompt, row.response, MATERIAL.frame)
    with torch.no_grad():
        said = subject.model(torch.tensor([example.ids])).logits[0].log_softmax(-1)
    first = len(example.prompt)
    nats = [float(said[place - 1, example.ids[place]]) for place in range(first, len(example.ids))]
    return math.exp(-sum(nats) / len(nats))


@pytest.mark.parametrize("defense", [CTRL(train_steps=4, keep=0.5), CTRL(train_steps=4, keep=0.3, trainable=LoRA())])
def test_conformance(defense: CTRL) -> None:
    check_defense(defense)


def test_of_each_prompt_the_likeliest_answer_that_says_as_much_as_the_first_is_chosen() -> None:
    subject = float64_subject()
    chosen = CTRL(train_steps=1).curated(subject, MATERIAL)
    assert [row.group for row in chosen] == [f"b{n}" for n in range(5)]
    for row in chosen:
        rivals = [one for one in MATERIAL.benign if one.group == row.group]
        admitted = [one for one in rivals if len(one.response.split()) >= 0.9 * 4]
        assert len(admitted) == 3, "an answer of two words says too little"
        assert row == min(admitted, key=lambda one: perplexity(subject, one))
        assert perplexity(subject, row) <= perplexity(subject, rivals[0])


def test_any_quality_admits_all_and_a_high_one_the_first_alone() -> None:
    subject = float64_subject()
    for row in CTRL(train_steps=1, quality=0.0).curated(subject, MATERIAL):
        rivals = [one for one in MATERIAL.benign if one.group == row.group]
        assert row == min(rivals, key=lambda one: perplexity(subject, one))
    first = CTRL(train_steps=1, quality=9.0).curated(subject, MATERIAL)
    assert [row.id for row in first] == [f"b{n}.0" for n in range(5)]


def test_of_all_prompts_those_of_lowest_perplexity_are_kept() -> None:
    subject = float64_subject()
    every = CTRL(train_steps=1).curated(subject, MATERIAL)
    for keep, count in ((0.4, 2), (0.01, 1)):
        kept = CTRL(train_steps=1, keep=keep).curated(subject, MATERIAL)
        expected = sorted(every, key=lambda row: perplexity(subject, row))[:count]
        assert {row.id for row in kept} == {row.id for row in expected}


def test_it_is_fine_tuning_on_the_chosen_rows() -> None:
    chosen = CTRL(train_steps=1).curated(tiny_subject(), MATERIAL)
    (step,) = CTRL(train_steps=1, lr=1e-2, batch=5).steps(tiny_subject(), MATERIAL, 0, None)
    teaching = SupervisedTeaching(train_steps=1, lr=1e-2, batch=5)
    (taught,) = teaching.steps(tiny_subject(), Material(train=chosen), 0, None)
    assert {*step.rows} == {row.id for row in chosen}
    assert step.terms == pytest.approx(taught.terms, rel=1e-5)


def test_choosing_leaves_the_subject_as_it_was() -> None:
    subject = tiny_subject()
    CTRL(train_steps=1).curated(subject, MATERIAL)
    assert same(weights(subject), weights(tiny_subject()))
    assert not subject.model.training


def test_where_there_is_nothing_to_choose_it_is_told() -> None:
    with pytest.raises(InputError, match="nothing is curated"):
        CTRL(train_steps=1).curated(tiny_subject(), replace(tiny_material(4), harmful=()))
