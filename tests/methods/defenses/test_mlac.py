"""MLAC: the gradient through simulated steps against plain autograd; calibration, which must see no flip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative, twice, without_second_derivative
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.meta_learned.mlac import MLAC
from titer.models.chat_format import Batch, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.meta_learned.mlac import Censoring, least_multiple
from titer.training.recipe import LoRA
from titer.training.sft import BatchSampler, TrainRow

CE = torch.nn.functional.cross_entropy
READ, INNER = 3, 2


def objective(**changed: Any) -> Censoring:
    chosen = MLAC.model_validate({"train_steps": 1, "inner_lr": 0.05, "inner_lr_step": 0.0, **changed})
    return Censoring(
        rows=(2, 2, READ),
        batch=chosen.batch,
        weight=chosen.weight,
        inner_steps=chosen.inner_steps,
        inner_batch=INNER,
        inner_optimizer=chosen.inner_optimizer,
        inner_lr=chosen.inner_lr,
        inner_lr_step=chosen.inner_lr_step,
        first_counted=chosen.first_counted,
        calibration=chosen.calibration,
    )


def step(subject: Subject, **changed: Any) -> tuple[dict[str, float], Tensor]:
    own = objective(**changed)
    own.prepare(subject, tiny_material())
    update = own.backward(subject, tiny_material(), 0, 1)
    return dict(update.terms), flat_gradient(subject)


class Written:
    """The objective as one graph: weights are values, and an inner step makes new ones."""

    def __init__(self, steps: int, optimizer: str, rate: float = 0.05) -> None:
        self.subject, self.steps, self.optimizer = float64_subject(), steps, optimizer
        self.rate = torch.tensor(rate, dtype=torch.float64, requires_grad=True)
        self.weights = dict(self.subject.model.named_parameters())
        sampler = BatchSampler(self.subject, tiny_material(), ("refusal", "harmful", "benign"))
        self.kept = self.batch([*sampler.draw("refusal", 2, 0, 1), *sampler.draw("benign", 2, 0, 1)])
        harmful = sampler.draw("harmful", READ + steps * INNER, 0, 1)
        self.outer = self.batch(harmful[:READ])
        self.inner = [self.batch(harmful[READ + k * INNER : READ + (k + 1) * INNER]) for k in range(steps)]

    def batch(self, rows: list[TrainRow]) -> Batch:
        return pad_batch([one.example for one in rows], 0)

    def loss(self, values: Mapping[str, Tensor], batch: Batch, multiple: float = 1.0) -> Tensor:
        inputs = {"input_ids": batch.ids, "attention_mask": batch.attention, "use_cache": False}
        logits = torch.func.functional_call(self.subject.model, dict(values), kwargs=inputs).logits[:, :-1]
        return CE(multiple * logits[batch.mask[:, 1:]], batch.ids[:, 1:][batch.mask[:, 1:]])

    def way(self) -> list[Mapping[str, Tensor]]:
        """The weights after 0, 1, ... inner steps."""
        found: list[Mapping[str, Tensor]] = [self.weights]
        first = {name: torch.zeros_like(own) for name, own in self.weights.items()}
        second = dict(first)
        for number, batch in enumerate(self.inner, start=1):
            now = found[-1]
            slopes = torch.autograd.grad(self.loss(now, batch), list(now.values()), create_graph=True)
            after = {}
            for (name, own), slope in zip(now.items(), slopes, strict=True):
                if self.optimizer == "sgd":
                    after[name] = own - self.rate * slope
                    continue
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.999 * second[name] + 0.001 * slope**2
                root = (second[name] / (1 - 0.999**number) + 1e-30).sqrt() + 1e-8
                after[name] = own - self.rate * first[name] / (1 - 0.9**number) / root
            found.append(after)
        return found

    def censored(self, first_counted: int) -> Tensor:
        losses = [self.loss(values, self.outer) for values in self.way()[first_counted:]]
        return torch.stack(losses).mean()

    def flat(self, loss: Tensor) -> Tensor:
        return torch.cat([own.flatten() for own in torch.autograd.grad(loss, list(self.weights.values()))])


def test_conformance_of_an_adapter() -> None:
    own = {"train_steps": 2, "lr": 1e-2, "batch": 4, "inner_steps": 1, "inner_batch": 2, "inner_lr_step": 1e-3}
    check_defense(MLAC.model_validate({**own, "trainable": LoRA(rank=2, dropout=0.1).to_data()}))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("first_counted", [0, 1])
def test_a_step_is_the_graph_written_out(optimizer: str, first_counted: int) -> None:
    changed = {"inner_steps": 2, "inner_optimizer": optimizer, "first_counted": first_counted, "weight": 0.6}
    terms, gradient = step(float64_subject(), **changed, calibration="none")
    written = Written(2, optimizer)
    with twice():
        censored = written.censored(first_counted)
        kept = written.loss(written.weights, written.kept)
        expected = written.flat(kept - 0.6 * censored)
    assert relative(gradient, expected) < 1e-6
    assert terms["retain_loss"] == pytest.approx(float(kept.detach()), rel=1e-9)
    assert terms["censored_loss"] == pytest.approx(float(censored.detach()), rel=1e-9)
    assert terms["loss"] == pytest.approx(terms["retain_loss"] - 0.6 * terms["censored_loss"], rel=1e-12)


def test_one_step_of_descent_bends_the_gradient_by_the_hessian() -> None:
    """(I - ηA)ᵀ∇L(θ¹), with A the Hessian of the inner loss, column by column."""
    plain = {"inner_steps": 1, "inner_optimizer": "sgd", "first_counted": 1, "calibration": "none"}
    _, gradient = step(float64_subject(), **plain)
    _, kept = step(float64_subject(), weight=0.0)
    written = Written(1, "sgd")
    with twice():
        after = {name: own.detach().requires_grad_() for name, own in written.way()[1].items()}
        outer = torch.autograd.grad(written.loss(after, written.outer), list(after.values()))
        slopes = torch.autograd.grad(
            written.loss(written.weights, written.inner[0]), list(written.weights.values()), create_graph=True
        )
        along = torch.stack([(one * other).sum() for one, other in zip(slopes, outer, strict=True)]).sum()
        bent = written.flat(along)
    flat = torch.cat([own.flatten() for own in outer])
    assert relative(kept - gradient, flat - 0.05 * bent) < 1e-9


def test_finite_differences_find_the_same_slope() -> None:
    changed = {"inner_steps": 2, "calibration": "none"}
    _, gradient = step(float64_subject(), **changed)
    direction = gradient / gradient.norm()
    losses = []
    for sign in (1, -1):
        subject = float64_subject()
        parameters = list(subject.model.parameters())
        before = torch.nn.utils.parameters_to_vector(parameters).detach()
        torch.nn.utils.vector_to_parameters(before + sign * 1e-5 * direction, parameters)
        losses.append(step(subject, **changed)[0]["loss"])
    assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(float(gradient.norm()), rel=1e-5)


def test_the_rate_is_learned_so_that_the_attack_does_better() -> None:
    subject, own = float64_subject(), objective(inner_steps=2, inner_lr=5e-3, inner_lr_step=1e-4, calibration="none")
    own.prepare(subject, tiny_material())
    own.backward(subject, tiny_material(), 0, 1)
    written = Written(2, "adam", 5e-3)
    with twice():
        (slope,) = torch.autograd.grad(written.censored(0), written.rate)
    assert float(slope) < 0, "a larger rate does better here"
    assert float(own.state()["rate"][0]) == pytest.approx(5e-3 + 1e-4, rel=1e-6)
    assert float(own.state()["rate"][1]) == pytest.approx(0.1 * float(slope), rel=1e-6)


def test_without_an_attack_it_is_refusal_sft_bit_for_bit() -> None:
    shared = {"train_steps": 2, "lr": 1e-2, "batch": 4}
    made = []
    none = MLAC.model_validate({**shared, "inner_steps": 0, "first_counted": 1})
    off = MLAC.model_validate({**shared, "weight": 0.0})
    for defense in (none, off, RefusalSFT.model_validate(shared)):
        subject = tiny_subject()
        for _ in defense.steps(subject, tiny_material(), 3, None):
            pass
        made.append(weights(subject))
    assert same(made[0], made[2])
    assert same(made[1], made[2])


def test_calibration_sees_no_flip_and_is_at_most_a_guess() -> None:
    logits = torch.randn(50, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    targets = logits.argmax(-1)
    for sharp in (logits, 5 * logits, -logits, -5 * logits):
        multiple = least_multiple(sharp, targets)
        tried = torch.linspace(-1, 1, 2001, dtype=torch.float64)
        losses = torch.stack([CE(one * sharp, targets) for one in tried])
        assert float(CE(multiple * sharp, targets)) <= float(losses.min()) + 1e-9
        assert float(CE(multiple * sharp, targets)) <= math.log(7)
    one, other = (float(CE(least_multiple(s * logits, targets) * s * logits, targets)) for s in (1, -1))
    assert one == pytest.approx(other, abs=1e-6)
    two = torch.stack([logits[:, 0], -logits[:, 0]], -1)
    labels = (logits[:, 1] > 0).long()
    found = [float(CE(least_multiple(two, each) * two, each)) for each in (labels, 1 - labels)]
    assert found[0] == pytest.approx(found[1], abs=1e-6), "labels exchanged"


def test_the_calibrated_loss_has_the_gradient_at_its_multiple_and_is_bounded() -> None:
    terms, gradient = step(float64_subject(), inner_steps=0)
    written = Written(0, "adam")
    with torch.no_grad():
        inputs = {"input_ids": written.outer.ids, "attention_mask": written.outer.attention}
        logits = written.subject.model(**inputs).logits[:, :-1][written.outer.mask[:, 1:]]
    multiple = least_multiple(logits, written.outer.ids[:, 1:][written.outer.mask[:, 1:]])
    assert -1 <= multiple <= 1
    censored = written.loss(written.weights, written.outer, multiple)
    assert relative(gradient, written.flat(written.loss(written.weights, written.kept) - censored)) < 1e-9
    assert terms["censored_loss"] <= math.log(len(written.subject.tokenizer)) + 1e-9


def test_weights_are_the_same_bits_after_a_step_and_accumulated_equals_at_once() -> None:
    subject = tiny_subject()
    before = weights(subject)
    step(subject, inner_steps=2)
    assert same(weights(subject), before)
    whole, parts = (step(float64_subject(), inner_steps=2, batch=batch)[1] for batch in (8, 1))
    assert relative(parts, whole) < 1e-7


def test_attention_without_a_second_derivative_is_refused_before_training() -> None:
    subject = without_second_derivative(tiny_subject())
    with pytest.raises(InputError, match="inner_steps: the attention of the subject cannot be differentiated twice"):
        next(iter(MLAC(train_steps=1).steps(subject, tiny_material(), 0, None)))
