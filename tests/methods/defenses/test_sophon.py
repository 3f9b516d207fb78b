"""SOPHON against steps written out with plain autograd, and its losses against their closed form."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.given_logits import GivenLogits, row
from torch import Tensor

from titer.methods.defenses.meta_learned.sophon import SOPHON
from titer.models.chat_format import Batch, pad_batch
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.meta_learned.sophon import SuppressionInTurn
from titer.training.objectives.meta_learned.tamper_losses import Suppression, SuppressionForm
from titer.training.recipe import LoRA
from titer.training.sft import BatchSampler, TrainRow
from titer.training.simulated_attack import Adversary

CE = torch.nn.functional.cross_entropy
SEED = 1
STEPS, TRAINED, ASIDE, RATE = 3, 3, 2, 0.05


def objective(form: SuppressionForm = "inverse", **changed: Any) -> SuppressionInTurn:
    how: dict[str, Any] = {
        "steps": STEPS, "batch": TRAINED, "aside": ASIDE, "optimizer": "sgd", "rates": (RATE,), "switch_share": 0.0,
        "switch_beta": (1.0, 1.0), "weight_decay": 0.0, "text": "response",
    }  # fmt: skip
    adversary = Adversary(**{**how, **changed})
    return SuppressionInTurn(adversary=adversary, loss=Suppression(form), rows=(2, 2), batch=3, reinforcement=2.0)


def step(
    subject: Subject, t: int, form: SuppressionForm = "inverse", **changed: Any
) -> tuple[dict[str, float], Tensor]:
    own, fed = objective(form, **changed), tiny_material(10)
    own.prepare(subject, fed)
    with scoped(0):
        update = own.backward(subject, fed, t, SEED)
    return dict(update.terms), flat_gradient(subject)


class Written:
    """The method on the same rows."""

    def __init__(self) -> None:
        self.model = float64_subject().model
        self.sampler = BatchSampler(float64_subject(), tiny_material(10), ("harmful", "refusal", "benign"))

    def targets(self, rows: list[TrainRow]) -> tuple[Tensor, Tensor]:
        """(N, V) logits and (N,) targets of the responses."""
        batch: Batch = pad_batch([one.example for one in rows], 0)
        said = self.model(input_ids=batch.ids, attention_mask=batch.attention, use_cache=False).logits[:, :-1]
        own = batch.mask[:, 1:].bool()
        return said[own], batch.ids[:, 1:][own]

    def suppression(self, form: SuppressionForm, rows: list[TrainRow]) -> Tensor:
        logits, targets = self.targets(rows)
        p = logits.softmax(-1)
        if form == "inverse":
            return -torch.log((-logits).softmax(-1).gather(1, targets[:, None])).mean()
        if form == "one_minus_p":
            return -torch.log(1 - p.gather(1, targets[:, None])).mean()
        guess = torch.full_like(p, 1 / p.shape[-1])
        return (guess * (guess.log() - p.log())).sum(-1).mean()

    def flat(self, loss: Tensor) -> Tensor:
        return torch.cat([one.flatten() for one in torch.autograd.grad(loss, list(self.model.parameters()))])

    def attacked(self, form: SuppressionForm, number: int) -> tuple[float, Tensor]:
        """The mean over k of L(θ_k), and of its gradient, along an attack by plain gradient descent."""
        loss, whole = 0.0, torch.zeros(())
        for k in range(STEPS):
            rows = self.sampler.draw("harmful", TRAINED + ASIDE, number * STEPS + k, SEED)
            descent = torch.autograd.grad(CE(*self.targets(rows[:TRAINED])), list(self.model.parameters()))
            with torch.no_grad():
                for own, slope in zip(self.model.parameters(), descent, strict=True):
                    own.sub_(slope, alpha=RATE)
            unsaid = self.suppression(form, rows[TRAINED:])
            loss, whole = loss + float(unsaid.detach()) / STEPS, whole + self.flat(unsaid) / STEPS
        return loss, whole


@pytest.mark.parametrize("form", get_args(SuppressionForm))
@pytest.mark.parametrize("t", [0, 2])
def test_a_suppressing_step_is_the_method_written_out(form: SuppressionForm, t: int) -> None:
    terms, gradient = step(float64_subject(), t, form)
    loss, expected = Written().attacked(form, t // 2)
    assert terms["loss"] == pytest.approx(loss, rel=1e-9)
    assert relative(gradient, expected) < 1e-6


def test_a_reinforcing_step_is_a_step_on_refusals_and_benign_rows() -> None:
    terms, gradient = step(float64_subject(), 3)
    written = Written()
    rows = [*written.sampler.draw("refusal", 2, 1, SEED), *written.sampler.draw("benign", 2, 1, SEED)]
    loss = CE(*written.targets(rows))
    assert terms == {"loss": pytest.approx(float(loss.detach())), "retain_loss": pytest.approx(float(loss.detach()))}
    assert relative(gradient, written.flat(loss)) < 1e-9


@pytest.mark.parametrize("form", get_args(SuppressionForm))
def test_the_slopes_of_the_losses_are_those_of_their_closed_forms(form: SuppressionForm) -> None:
    """Of the mean over the four tokens of a response, each said after the token before it."""
    subject = GivenLogits(1, 6, 7)
    targets = torch.tensor([0, 3, 6, 2])
    Suppression(form).backward(subject, [[row((1, 5, *targets.tolist()), 2)]], 1, 3.0)
    logits, hot = subject.said.detach()[0, 1:5], torch.nn.functional.one_hot(targets, 7).double()
    p = logits.softmax(-1)
    p_y = p.gather(1, targets[:, None])
    expected = {
        "inverse": hot - (-logits).softmax(-1),
        "one_minus_p": torch.where(hot.bool(), p_y, -p_y * p / (1 - p_y)),
        "uniform": p - 1 / 7,
    }
    torch.testing.assert_close(subject.slope[0, 1:5], 3 / 4 * expected[form])
    assert float(subject.slope[0, [0, 5]].abs().sum()) == 0


def test_a_guess_has_the_losses_of_a_guess() -> None:
    """log V, -log(1 - 1/V) and 0, the least that the third can be."""
    values = len(tiny_subject().tokenizer)
    expected = {"inverse": math.log(values), "one_minus_p": -math.log1p(-1 / values), "uniform": 0.0}
    for form in get_args(SuppressionForm):
        subject = float64_subject()
        subject.untie()
        with torch.no_grad():
            subject.model.get_output_embeddings().weight.zero_()
        terms, _ = step(subject, 0, form, rates=(1e-12,))
        assert terms["loss"] == pytest.approx(expected[form], abs=1e-9)


@pytest.mark.parametrize("known", [5, 7])
def test_no_row_aside_is_one_that_its_step_trains_on_where_an_epoch_ends_within_a_draw(known: int) -> None:
    """Five rows a draw: of five every draw is an epoch, of seven most draws reach into the next one."""
    subject, adversary = tiny_subject(), objective(steps=40).adversary
    sampler, repeated = BatchSampler(subject, tiny_material(known), ("harmful",)), 0
    with scoped(0), subject.restored():
        for t, taken in enumerate(adversary.attack(subject, sampler, 0, SEED)):
            rows = sampler.draw("harmful", TRAINED + ASIDE, t, SEED)
            came, trained_on = rows[TRAINED:], {one.row for one in taken.drawn}
            assert taken.drawn == rows[:TRAINED]
            assert len(taken.aside) == ASIDE
            assert trained_on.isdisjoint(one.row for one in taken.aside)
            again = [one.row in trained_on for one in came]
            assert all(own == one for own, one, twice in zip(taken.aside, came, again, strict=True) if not twice)
            repeated += any(again)
    assert (repeated > 0) == (known == 7)


def test_an_attack_leaves_weights_and_mode_as_they_were() -> None:
    subject = tiny_subject()
    subject.model.train()
    before = weights(subject)
    terms, _ = step(subject, 0, rates=(0.5,))
    assert same(weights(subject), before)
    assert subject.model.training
    assert terms["attack_loss_last"] < terms["attack_loss_first"]


def test_each_kind_of_step_has_moments_and_a_rate_of_its_own() -> None:
    """One optimizer for even steps and one for odd ones: neither counts the other's."""
    own = {"batch": 4, "lr": 1e-3, "reinforcement": 3.0, "inner_steps": 2, "inner_batch": 2, "clip": None}
    chosen = SOPHON.model_validate({"train_steps": 4, **own})
    subject, fed = float64_subject(), tiny_material(10)
    rates = [taken.terms["learning_rate"] for taken in chosen.steps(subject, fed, SEED, None)]
    assert rates == pytest.approx([1e-3, 3e-3, 1e-3, 3e-3])
    one = SOPHON.model_validate({"train_steps": 2, **own})
    for taken in one.steps(float64_subject(), fed, SEED, None):
        assert taken.state is not None
        tensors = taken.state().tensors
        kept = {name.split("/")[0] for name in tensors if name.startswith("optimizer")}
        assert kept == ({"optimizer"} if taken.dose == 1 else {"optimizer", "optimizer.1"})
        counts = {name: float(value) for name, value in tensors.items() if name.endswith("/step")}
        assert set(counts.values()) == {1.0}, "no optimizer has seen the other's step"


@pytest.mark.parametrize("form", get_args(SuppressionForm))
def test_conformance_of_an_adapter_and_of_every_form(form: SuppressionForm) -> None:
    own = {"train_steps": 4, "lr": 1e-2, "batch": 2, "inner_steps": 2, "inner_batch": 2, "inner_lrs": (1e-2,)}
    adapter = LoRA(rank=2, dropout=0.1).to_data()
    optimizer = "adamw" if form == "uniform" else "sgd"
    check_defense(SOPHON.model_validate({**own, "form": form, "trainable": adapter, "inner_optimizer": optimizer}))
