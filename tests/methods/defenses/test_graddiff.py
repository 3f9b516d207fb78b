"""The difference of two losses against its two parts, written out; the clamp; its plain twin."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.unlearning import mean_nats, plain_training, run

from titer.methods.defenses.loss_based.graddiff import GradDiff
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material
from titer.training.objectives.loss_based.forgetting import Ascent, Forgetting
from titer.training.recipe import LoRA
from titer.training.types import Update

ROWS = 4


def step(subject: Subject, forget: float, clamp: float | None = None, batch: int = 3) -> Update:
    objective = Forgetting(term=Ascent(clamp), harmful=ROWS, benign=ROWS, batch=batch, forget_weight=forget)
    objective.prepare(subject, tiny_material(ROWS))
    return objective.backward(subject, tiny_material(ROWS), 0, 1)


def test_conformance_with_an_adapter_and_a_clamp() -> None:
    check_defense(GradDiff(train_steps=4, lr=1e-2, clamp=5.0, batch=4, trainable=LoRA(rank=2, dropout=0.1)))


def test_one_step_is_the_difference_of_the_losses_written_out() -> None:
    subject, slow = float64_subject(), float64_subject()
    update = step(subject, forget=0.6)
    material = tiny_material(ROWS)
    forgotten, kept = mean_nats(slow, material.harmful), mean_nats(slow, material.benign)
    torch.autograd.backward(kept - 0.6 * forgotten)
    assert update.terms["harmful_loss"] == pytest.approx(float(forgotten.detach()), rel=1e-9)
    assert update.terms["retain_loss"] == pytest.approx(float(kept.detach()), rel=1e-9)
    assert update.terms["loss"] == pytest.approx(float((kept - 0.6 * forgotten).detach()), rel=1e-9)
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


def test_above_the_clamp_only_benign_rows_are_trained() -> None:
    held, plain, free, unheld = (float64_subject() for _ in range(4))
    assert step(held, 0.6, clamp=1e-3).terms["ascent_share"] == 0
    step(plain, 0.0)
    assert relative(flat_gradient(held), flat_gradient(plain)) < 1e-12
    assert step(free, 0.6, clamp=100.0).terms["ascent_share"] == 1
    step(unheld, 0.6)
    assert torch.equal(flat_gradient(free), flat_gradient(unheld))


def test_accumulated_equals_at_once() -> None:
    parts, whole = float64_subject(), float64_subject()
    step(parts, 0.6, batch=1)
    step(whole, 0.6, batch=ROWS)
    assert relative(flat_gradient(parts), flat_gradient(whole)) < 1e-12


def test_forget_weight_0_is_plain_training_on_benign_rows_bit_for_bit() -> None:
    assert same(run(GradDiff(train_steps=5, lr=1e-2, batch=4, accumulation=2, forget_weight=0.0)), plain_training())


@pytest.mark.parametrize(
    ("parameters", "noticed"), [({}, 1), ({"clamp": 5.0}, 0), ({"clamp": 9.0}, 1), ({"forget_weight": 0.0}, 0)]
)
def test_it_is_said_where_it_may_become_surely_wrong(parameters: dict[str, Any], noticed: int) -> None:
    notices = GradDiff.model_validate({"train_steps": 1, **parameters}).notices(1000)
    assert len(notices) == noticed
    assert all("graddiff with" in notice and "6.91" in notice for notice in notices)
