"""CTRAP against steps written out with plain autograd, to the first order and, through the weights, to the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative, twice, without_second_derivative
from support.uneven_rows import uneven_material
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.traps.ctrap import CTRAP
from titer.models.chat_format import Batch, encode_rows, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.traps.ctrap import CollapseTrap
from titer.training.recipe import LoRA

HALF = 2
CE = torch.nn.functional.cross_entropy


def step(subject: Subject, **changed: Any) -> tuple[dict[str, float], Tensor]:
    """One gradient on the first 2 refusals, the first 2 benign rows and the first 4 harmful rows."""
    chosen = CTRAP.model_validate({"train_steps": 1, **changed})
    objective = CollapseTrap(
        rows=(4, 4, 4),
        batch=chosen.batch,
        alpha=chosen.alpha,
        lamb=chosen.lamb,
        order=chosen.order,
        step=chosen.step,
        collapse_text=chosen.collapse_text,
    )
    material = uneven_material(4)
    objective.prepare(subject, material)
    update = objective.backward(subject, material, 0, 1)
    return dict(update.terms), flat_gradient(subject)


class Written:
    """The losses of the equation on the same rows, as functions of all weights as one vector."""

    def __init__(self, alpha: float, lamb: float, *, normalized: bool) -> None:
        self.subject = float64_subject()
        self.alpha, self.lamb, self.normalized = alpha, lamb, normalized
        self.weights = dict(self.subject.model.named_parameters())
        material = uneven_material(4)
        kept = [(r.id, r.prompt, str(r.refusal)) for r in material.harmful]
        kept += [(r.id, r.prompt, r.response) for r in material.benign]
        self.kept = self.batch(kept)
        self.harmful = self.batch([(r.id, r.prompt, r.response) for r in material.harmful])
        self.token = self.subject.tokenizer("r", add_special_tokens=False).input_ids[-1]

    def batch(self, texts: list[tuple[str, str, str]]) -> Batch:
        return pad_batch(encode_rows(self.subject, texts, tiny_material(1).frame), 0)

    def loss(self, weights: Mapping[str, Tensor], batch: Batch, token: int | None = None) -> Tensor:
        inputs = {"input_ids": batch.ids, "attention_mask": batch.attention, "use_cache": False}
        logits = torch.func.functional_call(self.subject.model, dict(weights), kwargs=inputs).logits[:, :-1]
        labels = batch.ids if token is None else torch.full_like(batch.ids, token)
        return CE(logits[batch.mask[:, 1:]], labels[:, 1:][batch.mask[:, 1:]])

    def gradients(self, order: str) -> tuple[float, Tensor]:
        """The loss of the fixed token at the moved weights, and the gradient of the whole, flat."""
        with twice():
            names, own = list(self.weights), list(self.weights.values())
            slope = torch.autograd.grad(self.loss(self.weights, self.harmful), own, create_graph=True)
            length = torch.cat([one.flatten() for one in slope]).norm()
            reach = self.alpha / (length + 1e-7) if self.normalized else self.alpha
            moved = {name: weight - reach * one for name, weight, one in zip(names, own, slope, strict=True)}
            kept = self.loss(self.weights, self.kept)
            if order == "second":
                sprung = self.loss(moved, self.kept, self.token)
                whole = torch.autograd.grad(kept + self.lamb * sprung, own)
                return float(sprung.detach()), torch.cat([one.flatten() for one in whole])
            there = {name: weight.detach().requires_grad_() for name, weight in moved.items()}
            sprung = self.loss(there, self.kept, self.token)
            trap = torch.autograd.grad(sprung, list(there.values()))
            first = torch.autograd.grad(kept, own)
            both = [(a + self.lamb * b).flatten() for a, b in zip(first, trap, strict=True)]
            return float(sprung.detach()), torch.cat(both)


def test_conformance_of_an_adapter_and_of_the_second_order() -> None:
    check_defense(CTRAP(train_steps=2, lr=1e-2, batch=4, order="second", trainable=LoRA(rank=2, dropout=0.1)))


@pytest.mark.parametrize("order", ["first", "second"])
@pytest.mark.parametrize("normalized", [True, False])
def test_a_step_is_the_equation_written_out(order: str, normalized: bool) -> None:
    way = "normalized" if normalized else "plain"
    terms, gradient = step(float64_subject(), alpha=0.2, lamb=0.7, order=order, step=way)
    written = Written(0.2, 0.7, normalized=normalized)
    sprung, expected = written.gradients(order)
    assert relative(gradient, expected) < 1e-6
    with torch.no_grad():
        kept, idle = (written.loss(written.weights, written.kept, token) for token in (None, written.token))
    assert terms["retain_loss"] == pytest.approx(float(kept), rel=1e-9)
    assert terms["collapse_loss_unmoved"] == pytest.approx(float(idle), rel=1e-9)
    assert terms["collapse_loss"] == pytest.approx(sprung, rel=1e-9)
    assert terms["loss"] == pytest.approx(float(kept) + 0.7 * sprung, rel=1e-9)


def test_the_orders_differ_and_so_do_the_steps() -> None:
    found = [
        step(float64_subject(), alpha=0.2, lamb=1.0, order=order, step=way)[1]
        for order in ("first", "second")
        for way in ("normalized", "plain")
    ]
    for place, one in enumerate(found):
        assert all(relative(one, other) > 1e-3 for other in found[:place])


def test_without_a_trap_it_is_refusal_sft_bit_for_bit() -> None:
    shared = {"train_steps": 3, "lr": 1e-2, "batch": 4, "accumulation": 2}
    made = []
    for defense in (CTRAP.model_validate({**shared, "lamb": 0.0}), RefusalSFT.model_validate(shared)):
        subject = tiny_subject()
        for _ in defense.steps(subject, tiny_material(), 3, None):
            pass
        made.append(weights(subject))
    assert same(*made)


def test_a_step_of_no_length_sets_the_trap_where_the_weights_are() -> None:
    terms, _ = step(float64_subject(), alpha=0.0)
    assert terms["collapse_loss"] == pytest.approx(terms["collapse_loss_unmoved"], rel=1e-12)


def test_only_responses_collapse_and_the_weights_are_put_back() -> None:
    subject = tiny_subject()
    before = weights(subject)
    step(subject, order="second", lamb=1.0)
    assert same(weights(subject), before)
    written = Written(0.1, 0.1, normalized=True)
    everywhere = written.kept.__class__(written.kept.ids, written.kept.attention, written.kept.attention.bool())
    with torch.no_grad():
        responses, all_tokens = (
            written.loss(written.weights, one, written.token) for one in (written.kept, everywhere)
        )
    terms, _ = step(float64_subject())
    assert terms["collapse_loss_unmoved"] == pytest.approx(float(responses), rel=1e-9)
    assert terms["collapse_loss_unmoved"] != pytest.approx(float(all_tokens), rel=1e-3)


@pytest.mark.parametrize("order", ["first", "second"])
def test_accumulated_equals_at_once(order: str) -> None:
    whole, parts = (step(float64_subject(), order=order, lamb=1.0, batch=batch)[1] for batch in (8, 1))
    assert relative(parts, whole) < 1e-9


def test_after_training_the_trap_springs_on_a_harmful_step_and_not_before() -> None:
    subject = tiny_subject()
    defense = CTRAP(train_steps=30, lr=5e-3, batch=8, alpha=1.0, lamb=1.0, order="second")
    *_, last = defense.steps(subject, tiny_material(), 0, None)
    assert last.terms["collapse_loss"] < 0.3 * last.terms["collapse_loss_unmoved"]


def test_attention_without_a_second_derivative_is_refused_before_training() -> None:
    subject = without_second_derivative(tiny_subject())
    assert len(list(CTRAP(train_steps=1).steps(subject, tiny_material(), 0, None))) == 1
    with pytest.raises(InputError, match="order: the attention of the subject cannot be differentiated twice"):
        next(iter(CTRAP(train_steps=1, order="second").steps(subject, tiny_material(), 0, None)))
