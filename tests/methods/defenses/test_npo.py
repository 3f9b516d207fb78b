"""NPO against its loss written out with plain autograd, at the reference and away from it."""

from __future__ import annotations

import math

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.unlearning import moved_away, plain_training, run, written_out_nats
from torch import Tensor

from titer.methods.defenses.loss_based.npo import NPO
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject
from titer.training.objectives.loss_based.forgetting import Forgetting
from titer.training.objectives.loss_based.npo import NegativePreference
from titer.training.recipe import LoRA
from titer.training.sft import ASKED
from titer.training.types import Update

ROWS = 4


def step(subject: Subject, away: bool, beta: float = 0.1, forget: float = 1.0, batch: int = 3) -> Update:
    """One step from the reference, or from weights that have left it; its gradient is in `.grad`."""
    term = NegativePreference(beta)
    objective = Forgetting(term=term, harmful=ROWS, benign=ROWS, batch=batch, forget_weight=forget, retain_weight=0.7)
    objective.prepare(subject, tiny_material(ROWS))
    if away:
        moved_away(subject)
    return objective.backward(subject, tiny_material(ROWS), 0, 1)


def oracle(subject: Subject, away: bool, beta: float, forget: float) -> tuple[Tensor, Tensor]:
    """The same loss and its gradient, a row at a time: log of the ratio of likelihoods, by its definition."""
    material = tiny_material(ROWS)
    harmful = [(row.prompt, row.response) for row in material.harmful]
    with torch.no_grad():
        before = [written_out_nats(subject, *row).sum() for row in harmful]
    if away:
        moved_away(subject)
    terms = []
    for row, reference in zip(harmful, before, strict=True):
        ratio = torch.exp(reference - written_out_nats(subject, *row).sum())  # π / π0
        terms.append(2 / beta * torch.log(1 + ratio**beta))
    kept = torch.cat([written_out_nats(subject, row.prompt, row.response) for row in material.benign])
    loss = forget * torch.stack(terms).mean() + 0.7 * kept.mean()
    torch.autograd.backward(loss)
    return loss.detach(), flat_gradient(subject)


@pytest.mark.parametrize(
    "defense",
    [
        NPO(train_steps=4, lr=1e-2, beta=0.5, batch=4, accumulation=2),
        NPO(train_steps=4, lr=1e-2, trainable=LoRA(rank=2, dropout=0.1)),
        NPO(train_steps=4, lr=1e-2, retain_weight=0.0),
    ],
)
def test_conformance(defense: NPO) -> None:
    check_defense(defense)


@pytest.mark.parametrize("beta", [0.1, 1.0])
@pytest.mark.parametrize("away", [False, True])
def test_one_step_is_the_loss_written_out(away: bool, beta: float) -> None:
    subject, slow = float64_subject(), float64_subject()
    update = step(subject, away, beta, forget=1.3)
    loss, gradient = oracle(slow, away, beta, forget=1.3)
    assert update.terms["loss"] == pytest.approx(float(loss), rel=1e-9)
    assert relative(flat_gradient(subject), gradient) < 1e-9
    said = 1.3 * update.terms["forget_loss"] + 0.7 * update.terms["retain_loss"]
    assert update.terms["loss"] == pytest.approx(said, rel=1e-12)


def test_where_it_begins_it_is_ascent_on_sums_over_tokens() -> None:
    subject, slow = float64_subject(), float64_subject()
    term, material = NegativePreference(0.1), tiny_material(ROWS)
    objective = Forgetting(term=term, harmful=ROWS, benign=0, batch=2)
    objective.prepare(subject, material)
    update = objective.backward(subject, material, 0, 1)
    assert update.terms["forget_loss"] == pytest.approx(2 / 0.1 * math.log(2), rel=1e-12)
    assert update.terms["ascent_share"] == pytest.approx(1.0, rel=1e-12)
    sums = [written_out_nats(slow, row.prompt, row.response).sum() for row in material.harmful]
    torch.autograd.backward(-torch.stack(sums).mean())
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


def test_it_is_bounded_and_fades_as_responses_become_unlikely() -> None:
    subject, material = float64_subject(), tiny_material(ROWS)
    objective = Forgetting(term=NegativePreference(0.1), harmful=ROWS, benign=0, batch=4)
    objective.prepare(subject, material)
    seen = []
    for _ in range(6):
        subject.model.zero_grad()
        seen.append(objective.backward(subject, material, 0, 1).terms)
        gradient = flat_gradient(subject)
        with torch.no_grad():
            for own in subject.model.parameters():
                own.sub_(0.3 / gradient.norm() * (own.grad if own.grad is not None else 0))
    assert all(terms["forget_loss"] > 0 for terms in seen)
    shares, nats = [[terms[name] for terms in seen] for name in ("ascent_share", "harmful_loss")]
    assert nats == sorted(nats)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.5 < shares[0]


def test_forget_weight_0_is_plain_training_on_benign_rows_bit_for_bit() -> None:
    assert same(run(NPO(train_steps=5, lr=1e-2, batch=4, accumulation=2, forget_weight=0.0)), plain_training())


@pytest.mark.parametrize("adapter", [False, True])
def test_the_reference_is_read_once_and_counted_once(adapter: bool) -> None:
    trainable = {"trainable": LoRA(rank=2)} if adapter else {}
    defense = NPO.model_validate({"train_steps": 2, "lr": 1e-2, "batch": 4, **trainable})
    first, second = [one.spent.flops for one in defense.steps(tiny_subject(), tiny_material(), 0, None)]
    assert first / second > 0.5
    subject = tiny_subject()
    objective = Forgetting(term=defense.term(), harmful=4, benign=4, batch=4)
    objective.prepare(subject, tiny_material(6))
    assert objective.backward(subject, tiny_material(6), 0, 0).tokens[ASKED] > 0
    assert objective.backward(subject, tiny_material(6), 1, 0).tokens[ASKED] == 0
