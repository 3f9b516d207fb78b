"""SEAM against a step written out with plain autograd, its finite differences against the exact gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, padded_by_its_end, relative, twice
from support.uneven_rows import uneven_material
from torch import Tensor, nn

from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.defenses.meta_learned.mlac import MLAC
from titer.methods.defenses.meta_learned.tar import TAR
from titer.methods.defenses.traps.ctrap import CTRAP
from titer.methods.defenses.traps.seam import SEAM
from titer.models.chat_format import encode_rows, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, tiny_tokenizer, weights
from titer.training.objectives.traps.seam import SelfDestruction, coupling
from titer.training.recipe import LoRA

ROWS = 4
MATERIAL = uneven_material(ROWS)
GOES_ON = MATERIAL.harmful[0].model_copy(update={"response": "it<end>is 0"})
MATERIAL = replace(MATERIAL, harmful=(GOES_ON, *MATERIAL.harmful[1:]))
"""The first refusal, "no", ends where its harmful answer has an end, too, behind which that goes on."""
CE = torch.nn.functional.cross_entropy


def objective(**changed: Any) -> SelfDestruction:
    chosen = SEAM.model_validate({"train_steps": 1, **changed})
    return SelfDestruction(
        pairs=ROWS,
        benign=ROWS,
        batch=changed.get("batch", ROWS),
        alpha=chosen.alpha,
        beta=chosen.beta,
        epsilon=chosen.epsilon,
        mask=chosen.mask,
        benign_text=chosen.benign_text,
        norms_last_twice=chosen.norms_last_twice,
    )


def uneven(made: Callable[[], Subject] = float64_subject) -> Subject:
    """A subject whose final norm changes what it has normed already."""
    subject = made()
    with torch.no_grad():
        subject.model.model.norm.weight.mul_(torch.linspace(0.5, 2.0, 16))
    return subject


def step(subject: Subject, **changed: Any) -> tuple[dict[str, float], Tensor]:
    own = objective(**changed)
    own.prepare(subject, MATERIAL)
    update = own.backward(subject, MATERIAL, 0, 1)
    return dict(update.terms), flat_gradient(subject)


class Official:
    """The losses of ZJUWYH/seam, src/core/trainer.py at 65f3d5c, from their definition; rows in the order drawn."""

    def __init__(self, subject: Subject) -> None:
        self.model, pad = subject.model, int(subject.tokenizer.pad_token_id)
        texts = [(r.id, r.prompt, str(r.refusal)) for r in MATERIAL.harmful]
        texts += [(r.id, r.prompt, r.response) for r in MATERIAL.harmful]
        both = pad_batch(encode_rows(subject, texts, MATERIAL.frame), pad)
        self.ids, self.attention = both.ids, both.attention
        benign = [(r.id, r.prompt, r.response) for r in MATERIAL.benign]
        self.benign = pad_batch(encode_rows(subject, benign, MATERIAL.frame), pad)
        self.differs = (both.ids[:ROWS] != both.ids[ROWS:]).double()

    def masked(self, logits: Tensor, part: slice) -> Tensor:
        labels = torch.where(self.attention[part] == 1, self.ids[part], -100)[:, 1:] * self.differs[:, 1:].long()
        labels[labels == 0] = -100
        return CE((logits[:, :-1] * self.differs[:, :-1, None]).flatten(0, 1), labels.flatten())

    def read(self, part: slice) -> Any:
        return self.model(
            input_ids=self.ids[part], attention_mask=self.attention[part], output_hidden_states=True, use_cache=False
        )

    def refusal(self) -> Tensor:
        return self.masked(self.read(slice(0, ROWS)).logits, slice(0, ROWS))

    def harmful(self) -> Tensor:
        return self.masked(self.read(slice(ROWS, None)).logits, slice(ROWS, None))

    def unlearning(self) -> Tensor:
        output = self.read(slice(ROWS, None))
        losses = self.masked(output.logits, slice(ROWS, None))
        for state in output.hidden_states:
            losses = losses + self.masked(self.model.lm_head(self.model.model.norm(state)), slice(ROWS, None))
        return -torch.log(losses / len(output.hidden_states) + 1)

    def usual(self) -> Tensor:
        logits = self.model(input_ids=self.benign.ids, attention_mask=self.benign.attention).logits
        labels = torch.where(self.benign.attention == 1, self.benign.ids, -100)
        return CE(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    def flat(self, loss: Tensor, *, graph: bool = False) -> Tensor:
        own = torch.autograd.grad(loss, list(self.model.parameters()), create_graph=graph)
        return torch.cat([one.flatten() for one in own])

    def at(self, moved: Tensor, loss: Any) -> Tensor:
        before = torch.nn.utils.parameters_to_vector(self.model.parameters()).detach().clone()
        torch.nn.utils.vector_to_parameters(before + moved, self.model.parameters())
        found = self.flat(loss())
        torch.nn.utils.vector_to_parameters(before, self.model.parameters())
        return found


def test_conformance_of_an_adapter() -> None:
    check_defense(SEAM(train_steps=2, lr=1e-2, batch=2, mask="response", trainable=LoRA(rank=2, dropout=0.1)))


@pytest.mark.parametrize("made", [float64_subject, padded_by_its_end])
def test_a_step_is_that_of_the_published_code_written_out(made: Callable[[], Subject]) -> None:
    terms, gradient = step(uneven(made), alpha=0.7, beta=0.3, epsilon=1e-3)
    official = Official(uneven(made))
    a, b = official.flat(official.harmful()), official.flat(official.usual())
    cosine = (a @ b) / (a.norm() * b.norm() + 1e-8)
    bent = official.at(1e-3 * (b / b.norm() - cosine * a / a.norm()), official.harmful) - a
    usual = official.at(1e-3 * (a / a.norm() - cosine * b / b.norm()), official.usual) - b
    unlearning, refusal = official.unlearning(), official.refusal()
    expected = official.flat(unlearning + 0.7 * refusal) + 0.3 / 1e-3 * (bent / a.norm() + usual / b.norm())
    assert relative(gradient, expected) < 1e-6
    assert terms["unlearning_loss"] == pytest.approx(float(unlearning.detach()), rel=1e-9)
    assert terms["refusal_loss"] == pytest.approx(float(refusal.detach()), rel=1e-9)
    assert terms["harmful_loss"] == pytest.approx(float(official.harmful().detach()), rel=1e-9)
    assert terms["benign_loss"] == pytest.approx(float(official.usual().detach()), rel=1e-9)
    assert terms["gradient_cosine"] == pytest.approx(float(cosine), abs=1e-7)
    total = terms["unlearning_loss"] + 0.7 * terms["refusal_loss"] + 0.3 * terms["gradient_cosine"]
    assert terms["loss"] == pytest.approx(total, rel=1e-12)


def test_finite_differences_come_to_the_exact_gradient_of_the_cosine() -> None:
    official = Official(float64_subject())
    with twice():
        a, b = official.flat(official.harmful(), graph=True), official.flat(official.usual(), graph=True)
        exact = official.flat(torch.nn.functional.cosine_similarity(a, b, dim=0))
    errors = []
    for epsilon in (1e-3, 1e-4):
        _, with_trap = step(float64_subject(), beta=1.0, epsilon=epsilon)
        _, without = step(float64_subject(), beta=0.0)
        errors.append(relative(with_trap - without, exact))
    assert errors[0] < 0.05
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.2), "the error falls with epsilon"


class Quadratics(nn.Module):
    """Two random quadratics of one vector of weights."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.curves = drawn @ drawn.transpose(1, 2)
        self.theta = nn.Parameter(torch.arange(1.0, 7.0, dtype=torch.float64))

    def loss(self, which: int) -> Tensor:
        return 0.5 * self.theta @ self.curves[which] @ self.theta


def test_on_two_quadratics_it_is_the_exact_gradient_and_the_weights_are_put_back() -> None:
    model: Any = Quadratics()
    subject = Subject(model, tiny_tokenizer())

    def descent(which: int) -> float:
        loss = model.loss(which)
        loss.backward()
        return float(loss.detach())

    found, _, cosine = coupling(subject, lambda: descent(0), lambda: descent(1), 1e-7)
    assert torch.equal(model.theta.detach(), torch.arange(1.0, 7.0, dtype=torch.float64))
    slopes = [torch.autograd.grad(model.loss(which), model.theta, create_graph=True)[0] for which in (0, 1)]
    own = torch.nn.functional.cosine_similarity(slopes[0], slopes[1], dim=0)
    assert cosine == pytest.approx(float(own.detach()), abs=1e-8)
    assert relative(found["theta"], torch.autograd.grad(own, model.theta)[0]) < 1e-6
    assert -1 <= cosine <= 1


def test_without_the_trap_it_is_unlearning_and_refusals_and_benign_rows_are_not_read() -> None:
    terms, gradient = step(float64_subject(), beta=0.0, alpha=0.7)
    official = Official(float64_subject())
    assert relative(gradient, official.flat(official.unlearning() + 0.7 * official.refusal())) < 1e-9
    assert "gradient_cosine" not in terms


def test_weights_are_the_same_bits_after_a_step_and_every_term_has_a_gradient() -> None:
    subject = tiny_subject()
    before = weights(subject)
    step(subject, beta=0.5)
    assert same(weights(subject), before)
    _, both = step(float64_subject())
    _, alone = step(float64_subject(), beta=0.0)
    official = Official(float64_subject())
    parts = [both - alone, official.flat(official.unlearning()), official.flat(official.refusal())]
    assert all(float(own.norm()) > 1e-4 for own in parts)


@pytest.mark.parametrize("mask", ["paired_difference", "response"])
def test_accumulated_equals_at_once(mask: str) -> None:
    whole, parts = (step(float64_subject(), mask=mask, batch=batch, beta=0.2)[1] for batch in (ROWS, 1))
    assert relative(parts, whole) < 1e-7


def test_an_untrained_head_says_every_token_alike_through_every_state() -> None:
    subject = float64_subject()
    subject.untie()
    with torch.no_grad():
        subject.model.get_output_embeddings().weight.zero_()
    terms, _ = step(subject, beta=0.0)
    guess = math.log(len(subject.tokenizer))
    assert terms["harmful_lens_loss"] == pytest.approx(guess * 4 / 3, rel=1e-9), "L + 2 losses are divided by L + 1"


def test_the_last_state_is_normed_once_where_that_is_asked() -> None:
    once, _ = step(uneven(), beta=0.0, norms_last_twice=False)
    often, _ = step(uneven(), beta=0.0)
    assert once["harmful_lens_loss"] != pytest.approx(often["harmful_lens_loss"], rel=1e-6)
    official = Official(uneven())
    output = official.read(slice(ROWS, None))
    losses = 2 * official.masked(output.logits, slice(ROWS, None))
    for state in output.hidden_states[:-1]:
        losses = losses + official.masked(official.model.lm_head(official.model.model.norm(state)), slice(ROWS, None))
    assert once["harmful_lens_loss"] == pytest.approx(float(losses.detach()) / 3, rel=1e-9)


@pytest.mark.parametrize("defense", [SEAM(train_steps=1), CTRAP(train_steps=1)])
def test_a_subject_that_rounds_the_difference_away_is_refused(defense: Defense) -> None:
    subject = tiny_subject()
    subject.dtype = "bfloat16"
    with pytest.raises(InputError, match=r"compute\.dtype: bfloat16 rounds away"):
        next(iter(defense.steps(subject, tiny_material(), 0, None)))


@pytest.mark.parametrize(
    "defense",
    [
        SEAM(train_steps=1),
        CTRAP(train_steps=1),
        MLAC(train_steps=1),
        TAR(train_steps=1, inner_steps=4, objective="preference"),
    ],
)
def test_rows_without_refusals_are_told_before_training(defense: Defense) -> None:
    rows = tuple(row.model_copy(update={"refusal": None}) for row in tiny_material().harmful)
    with pytest.raises(InputError, match=r"row h\d+: it has no refusal"):
        next(iter(defense.steps(tiny_subject(), replace(tiny_material(), harmful=rows), 0, None)))
