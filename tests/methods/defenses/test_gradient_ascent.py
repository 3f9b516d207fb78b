"""Ascent alone: the gradient of learning turned round, a loss without a bound, and an end that is told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.unlearning import mean_nats

from titer.errors import InputError, MethodFailure
from titer.methods.defenses.controls.gradient_ascent import GradientAscent
from titer.methods.requires import Need
from titer.models.subject import Subject
from titer.testing import check_defense, tiny_material, tiny_subject
from titer.training.objectives.loss_based.forgetting import Ascent, Forgetting
from titer.training.recipe import SGD, LoRA
from titer.training.sft import SFT
from titer.training.types import Update


def test_conformance_with_an_adapter() -> None:
    check_defense(GradientAscent(train_steps=4, lr=1e-2, batch=4, accumulation=2, trainable=LoRA(rank=2)))


def step(subject: Subject) -> Update:
    """One on four rows, all that there are, two at a time."""
    objective = Forgetting(term=Ascent(), harmful=4, benign=0, batch=2)
    objective.prepare(subject, tiny_material(4))
    return objective.backward(subject, tiny_material(4), 0, 1)


def test_a_step_is_minus_the_mean_over_all_tokens_written_out() -> None:
    subject, slow = float64_subject(), float64_subject()
    update = step(subject)
    loss = -mean_nats(slow, tiny_material(4).harmful)
    torch.autograd.backward(loss)
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert update.terms["harmful_loss"] == pytest.approx(-float(loss.detach()), rel=1e-9)
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


def test_its_gradient_is_that_of_learning_turned_round() -> None:
    subject, learner = float64_subject(), float64_subject()
    update = step(subject)
    learned = SFT(rows={"harmful": 4}, batch=2).backward(learner, tiny_material(4), 0, 1)
    assert update.terms["loss"] == pytest.approx(-learned.terms["loss"], rel=1e-12)
    assert relative(flat_gradient(subject), -flat_gradient(learner)) < 1e-12
    assert update.rows == learned.rows


def test_the_harmful_loss_has_no_bound_and_the_notice_says_so() -> None:
    subject = tiny_subject()
    defense = GradientAscent(train_steps=40, lr=3e-2, batch=4, clip=None)
    for step in defense.steps(subject, tiny_material(), 0, None):
        harmful = step.terms["harmful_loss"]
    assert harmful > 2 * math.log(len(subject.tokenizer))
    (notice,) = defense.notices(100)
    assert notice.startswith("gradient_ascent without a clamp")


def test_where_it_diverges_it_ends_as_such() -> None:
    defense = GradientAscent(train_steps=9, lr=1e30, batch=4, clip=None, optimizer=SGD())
    with pytest.raises(MethodFailure) as failure:
        list(defense.steps(tiny_subject(), tiny_material(), 0, None))
    assert (failure.value.reason, failure.value.dose <= 2) == ("diverged", True)


def test_it_asks_for_harmful_rows_and_says_where_there_are_none() -> None:
    defense = GradientAscent(train_steps=1)
    assert defense.requires.rows == {Need.HARMFUL: 1}
    with pytest.raises(InputError, match="there are no rows to train on"):
        list(defense.steps(tiny_subject(), replace(tiny_material(), harmful=()), 0, None))
