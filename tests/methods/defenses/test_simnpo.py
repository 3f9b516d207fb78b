"""SimNPO against its loss written out on rows of unlike length, and what its factor switches off."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.unlearning import plain_training, run, written_out_nats
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.loss_based.simnpo import SimNPO
from titer.methods.requires import Need
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject
from titer.training.objectives.loss_based.forgetting import Forgetting
from titer.training.objectives.loss_based.npo import SimplePreference
from titer.training.recipe import LoRA
from titer.training.types import Update

ROWS = 4


def step(subject: Subject, beta: float, delta: float, harmful: int = ROWS, benign: int = 0) -> Update:
    term = SimplePreference(beta, delta)
    objective = Forgetting(term=term, harmful=harmful, benign=benign, batch=3, forget_weight=0.125)
    objective.prepare(subject, tiny_material(harmful))
    return objective.backward(subject, tiny_material(harmful), 0, 1)


def per_token(subject: Subject, rows: int = ROWS) -> list[Tensor]:
    return [written_out_nats(subject, row.prompt, row.response).mean() for row in tiny_material(rows).harmful]


def test_conformance_with_an_adapter() -> None:
    check_defense(SimNPO(train_steps=4, lr=1e-2, delta=6.0, batch=4, accumulation=2, trainable=LoRA(rank=2)))


@pytest.mark.parametrize(("beta", "delta"), [(4.5, 0.0), (0.5, 5.0), (2.0, 5.5)])
def test_one_step_is_the_loss_written_out(beta: float, delta: float) -> None:
    subject, slow = float64_subject(), float64_subject()
    update = step(subject, beta, delta, benign=ROWS)
    rows = [2 / beta * torch.log(1 + torch.exp(-beta * (own - delta))) for own in per_token(slow)]
    kept = torch.cat([written_out_nats(slow, row.prompt, row.response) for row in tiny_material(ROWS).benign]).mean()
    loss = 0.125 * torch.stack(rows).mean() + kept
    torch.autograd.backward(loss)
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert update.terms["forget_loss"] > 0
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


@pytest.mark.parametrize(("above", "factor"), [(0.0, 1.0), (0.5, 0.19), (1.0, 0.022), (2.0, 0.0002)])
def test_a_row_is_switched_off_by_its_own_loss(above: float, factor: float) -> None:
    subject = float64_subject()
    (loss,) = per_token(subject, 1)
    update = step(subject, 4.5, float(loss.detach()) - above, harmful=1)
    assert update.terms["ascent_share"] == pytest.approx(factor, rel=0.25)
    assert update.terms["ascent_share"] == pytest.approx(2 / (1 + math.exp(4.5 * above)), rel=1e-9)


def test_for_small_beta_it_is_ascent_on_means_of_rows_and_with_the_defaults_nothing() -> None:
    small, slow, default = float64_subject(), float64_subject(), float64_subject()
    step(small, 1e-6, 0.0)
    means = per_token(slow)
    assert min(float(own.detach()) for own in means) > 2
    torch.autograd.backward(-0.125 * torch.stack(means).mean())
    assert relative(flat_gradient(small), flat_gradient(slow)) < 1e-4
    step(default, 4.5, 0.0)
    assert float(flat_gradient(default).norm() / flat_gradient(small).norm()) < 1e-3


def test_forget_weight_0_is_plain_training_on_benign_rows_bit_for_bit() -> None:
    assert same(run(SimNPO(train_steps=5, lr=1e-2, batch=4, accumulation=2, forget_weight=0.0)), plain_training())


def test_without_benign_rows_it_says_so_unless_nothing_is_retained() -> None:
    bare = replace(tiny_material(), benign=())
    with pytest.raises(InputError, match=r"material\.benign"):
        list(SimNPO(train_steps=1).steps(tiny_subject(), bare, 0, None))
    alone = SimNPO(train_steps=1, retain_weight=0.0)
    assert alone.requires.rows == {Need.HARMFUL: 1}
    (only,) = alone.steps(tiny_subject(), bare, 0, None)
    assert only.terms["loss"] == pytest.approx(0.125 * only.terms["forget_loss"])
