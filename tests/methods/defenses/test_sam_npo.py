"""Sharpness-aware unlearning against one step written out, and what its source does otherwise."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from support.float64 import flat_gradient, float64_subject, relative
from support.unlearning import mean_nats, moved_away, plain_training, run
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.perturbation.sam_npo import SAMNPO
from titer.models.chat_format import encode_rows
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training import gradients
from titer.training.objectives.loss_based.forgetting import ForgetTerm, Forgetting
from titer.training.objectives.loss_based.npo import NegativePreference
from titer.training.objectives.perturbation.sam_npo import MeanPreference, SharpnessAware
from titer.training.recipe import LoRA
from titer.training.sft import READ, count_responses, nll_sum
from titer.training.types import Update
from titer.training.whole_text import count_padded

ROWS, BETA = 4, 0.015


def step(subject: Subject, term: ForgetTerm, retain: float = 0.0, away: bool = True) -> Update:
    objective = Forgetting(term=term, harmful=ROWS, benign=ROWS if retain else 0, batch=3, retain_weight=retain)
    objective.prepare(subject, tiny_material(ROWS))
    if away:
        moved_away(subject)
    return objective.backward(subject, tiny_material(ROWS), 0, 1)


def gradient(term: ForgetTerm, retain: float = 0.0) -> Tensor:
    subject = float64_subject()
    step(subject, term, retain)
    return flat_gradient(subject)


@pytest.mark.parametrize(
    "defense",
    [
        SAMNPO(train_steps=3, lr=1e-2, batch=4, clamp=5.0, padding_counts=40, trainable=LoRA(rank=2)),
        SAMNPO(train_steps=3, lr=1e-2, beta=0.1, batch=4, accumulation=2, average="rows"),
    ],
)
def test_conformance(defense: SAMNPO) -> None:
    check_defense(defense)


def test_one_step_is_the_loss_written_out() -> None:
    subject, slow, material = float64_subject(), float64_subject(), tiny_material(ROWS)
    update = step(subject, SharpnessAware(MeanPreference(BETA), 0.3), retain=2.25)
    with torch.no_grad():
        reference = mean_nats(slow, material.harmful)
    moved_away(slow)
    own = list(slow.model.parameters())

    def forget() -> Tensor:
        return -2 / BETA * torch.log(torch.sigmoid(BETA * (mean_nats(slow, material.harmful) - reference)))

    upward = torch.autograd.grad(forget(), own)
    length = torch.stack([(one**2).sum() for one in upward]).sum().sqrt()
    before = [one.detach().clone() for one in own]
    with torch.no_grad():
        for one, up in zip(own, upward, strict=True):
            one.add_(0.3 * up / length)
    there = forget()
    torch.autograd.backward(there)
    with torch.no_grad():
        for one, kept in zip(own, before, strict=True):
            one.copy_(kept)
    retained = mean_nats(slow, material.benign)
    torch.autograd.backward(2.25 * retained)
    assert update.terms["forget_loss"] == pytest.approx(float(there.detach()), rel=1e-9)
    assert update.terms["loss"] == pytest.approx(float((there + 2.25 * retained).detach()), rel=1e-9)
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-6


def test_where_it_begins_it_is_ascent_on_the_mean_over_tokens() -> None:
    subject, slow = float64_subject(), float64_subject()
    update = step(subject, MeanPreference(BETA), away=False)
    assert update.terms["forget_loss"] == pytest.approx(2 / BETA * math.log(2), rel=1e-12)
    assert update.terms["forget_loss"] == pytest.approx(92.42, abs=0.01)
    torch.autograd.backward(-mean_nats(slow, tiny_material(ROWS).harmful))
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


@pytest.mark.parametrize("term", [MeanPreference(BETA), NegativePreference(0.1)])
def test_a_small_rho_is_none_and_rises_by_its_length(term: ForgetTerm) -> None:
    plain = gradient(term)
    assert relative(gradient(SharpnessAware(term, 1e-7)), plain) < 1e-5
    near = step(float64_subject(), SharpnessAware(term, 1e-4)).terms["sharpness"]
    assert near / (1e-4 * float(plain.norm())) == pytest.approx(1, abs=1e-2)


def test_what_is_retained_counts_by_its_weight_and_is_taken_where_the_weights_are() -> None:
    term = SharpnessAware(MeanPreference(BETA), 0.3)
    once, twice, thrice = (gradient(term, retain) for retain in (1.0, 2.0, 3.0))
    assert relative(thrice - twice, twice - once) < 1e-9
    slow = float64_subject()
    moved_away(slow)
    torch.autograd.backward(mean_nats(slow, tiny_material(ROWS).benign))
    assert relative(twice - once, flat_gradient(slow)) < 1e-9


def test_the_weights_move_though_rho_is_small_and_come_back_bit_for_bit() -> None:
    subject = tiny_subject()
    before = weights(subject)
    step(subject, SharpnessAware(MeanPreference(BETA), 0.01), away=False)
    assert same(weights(subject), before)
    upward = gradients.taken(subject)
    with gradients.moved(subject, upward, 0.01 / gradients.norm(upward)):
        there = weights(subject)
    share = sum(int((there[name] != before[name]).sum()) for name in upward) / sum(map(torch.numel, upward.values()))
    assert share > 0.95


def test_one_mean_over_tokens_does_not_bound_it_and_the_clamp_does() -> None:
    far = step(float64_subject(), MeanPreference(BETA), away=True).terms
    assert far["ascent_share"] > 0.9
    held = float64_subject()
    terms = step(held, SharpnessAware(MeanPreference(BETA, clamp=1e-3), 0.3)).terms
    assert (terms["ascent_share"], float(flat_gradient(held).abs().sum())) == (0, 0)


def test_padding_counts_in_the_form_of_the_source_only() -> None:
    subject, material = float64_subject(), tiny_material(2)
    rows = [(row.id, row.prompt, row.response) for row in material.harmful]
    short, long = encode_rows(subject, [rows[0], ("x", "y" * 60, "z")], material.frame)
    filled, longer = count_padded(40)(subject, [short], 1)[0], count_padded(60)(subject, [short], 1)[0]
    (alone,), (beside,) = count_responses(subject, [short], 1), count_responses(subject, [short, long], 2)
    with torch.no_grad():
        assert beside.ids.shape[1] > alone.ids.shape[1]
        (other,) = count_responses(subject, [long], 1)
        together = float(nll_sum(subject, alone) + nll_sum(subject, other))
        assert float(nll_sum(subject, beside)) == pytest.approx(together, rel=1e-9)
        means = [float(nll_sum(subject, one)) / one.targets for one in (filled, longer)]
        assert abs(means[0] - means[1]) > 1e-3
        attention = torch.tensor([[1] * len(short.ids) + [0] * (40 - len(short.ids))])
        ids = torch.nn.functional.pad(torch.tensor([short.ids]), (0, 40 - len(short.ids)), value=0)
        logits = subject.model(input_ids=ids, attention_mask=attention).logits
        assert means[0] == pytest.approx(float(torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:])), rel=1e-9)
    assert filled.parts["padding"] == 40 - len(short.ids)
    assert filled.targets == 39


def test_harmful_rows_go_through_twice() -> None:
    once, twice, both = (
        step(tiny_subject(), term, retain=retain, away=False).tokens[READ]
        for term, retain in (
            (MeanPreference(BETA), 0.0),
            (SharpnessAware(MeanPreference(BETA), 0.01), 0.0),
            (MeanPreference(BETA), 1.0),
        )
    )
    assert twice == 2 * once
    assert once < both < twice


def test_padding_beyond_the_context_is_refused_before_the_first_step() -> None:
    with pytest.raises(InputError, match="999 tokens do not fit the subject's context of 128"):
        next(iter(SAMNPO(train_steps=1, padding_counts=999).steps(tiny_subject(), tiny_material(), 0, None)))


def test_forget_weight_0_is_plain_training_on_benign_rows_bit_for_bit() -> None:
    settings = {"train_steps": 5, "lr": 1e-2, "batch": 4, "accumulation": 2, "retain_weight": 1.0}
    assert same(run(SAMNPO.model_validate({**settings, "forget_weight": 0.0})), plain_training())


def test_a_clamp_on_what_is_bounded_is_refused() -> None:
    with pytest.raises(ValidationError, match="leave clamp out"):
        SAMNPO(train_steps=1, average="rows", clamp=5.0)
    assert SAMNPO(train_steps=1, average="rows").notices(100) == ()
    assert "sam_npo without a clamp" in SAMNPO(train_steps=1).notices(100)[0]
