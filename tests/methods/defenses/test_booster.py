"""Booster's gradient against one written out in plain autograd, and what it must be in special cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from torch import Tensor, nn

from titer.errors import MethodFailure
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.perturbation.booster import Booster
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Row
from titer.seeds import derive
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.perturbation import booster
from titer.training.objectives.perturbation.booster import Attenuation
from titer.training.recipe import SGD, LoRA, Training
from titer.training.sft import SFT, LossBatch, places
from titer.training.types import Update

ROWS = 4


def attenuation(lam: float = 5.0, alpha: float = 0.1, batch: int = ROWS) -> Attenuation:
    return Attenuation(rows={"refusal": ROWS}, harmful=ROWS, batch=batch, alpha=alpha, lam=lam)


def gradient(objective: Attenuation | SFT, t: int = 0) -> Tensor:
    subject = float64_subject()
    objective.backward(subject, tiny_material(), t, 1)
    return flat_gradient(subject)


def mean_nll(subject: Subject, rows: Sequence[Row], harmful: bool) -> Tensor:
    """Nats per response token, row by row, with no part of the package but the tokens."""
    nats, targets = torch.zeros((), dtype=torch.float64), 0
    for row in rows:
        said = row.response if harmful else str(row.refusal)
        example = encode_example(subject.tokenizer, row.prompt, said, tiny_material().frame)
        logits = subject.model(input_ids=torch.tensor([example.ids])).logits[0, :-1].log_softmax(-1)
        for place, (token, counts) in enumerate(zip(example.ids[1:], example.mask[1:], strict=True)):
            if counts:
                nats, targets = nats - logits[place, token], targets + 1
    return nats / targets


def written_out(lam: float, alpha: float, t: int) -> tuple[dict[str, float], Tensor]:
    """One step of the definition: its terms and its gradient, restored by a second copy of the model."""
    material = uneven_material()
    chosen = [material.harmful[i] for i in places(12, ROWS, t, derive(1, "harmful order"), "harmful")]
    refused = [material.harmful[i] for i in places(12, ROWS, t, 1, "harmful")]
    subject, moved = float64_subject(), float64_subject()
    own = list(subject.model.parameters())
    h = mean_nll(subject, chosen, True)
    toward = torch.autograd.grad(h, own)
    length = torch.cat([one.flatten() for one in toward]).norm()
    with torch.no_grad():
        for weight, one in zip(moved.model.parameters(), toward, strict=True):
            weight.sub_(alpha * one / (length + 1e-7))
    h_after = mean_nll(moved, chosen, True)
    beyond = torch.autograd.grad(h_after, list(moved.model.parameters()))
    f = mean_nll(subject, refused, False)
    aligned = torch.autograd.grad(f, own)
    terms = {"aligned_loss": f, "harmful_loss": h, "harmful_loss_after_step": h_after, "loss": f + lam * (h - h_after)}
    parts = [a + lam * (b - c) for a, b, c in zip(aligned, toward, beyond, strict=True)]
    return {name: float(value.detach()) for name, value in terms.items()}, torch.cat([one.flatten() for one in parts])


@pytest.mark.parametrize(
    "defense",
    [
        Booster(train_steps=3, lr=1e-2, batch=4, accumulation=2, benign_share=0.5),
        Booster(train_steps=3, lr=1e-2, batch=4, trainable=LoRA(rank=2, dropout=0.1)),
    ],
)
def test_conformance(defense: Booster) -> None:
    check_defense(defense)


@pytest.mark.parametrize("t", [0, 2])
def test_losses_and_gradient_are_those_written_out(t: int) -> None:
    terms, expected = written_out(5.0, 0.1, t)
    subject = float64_subject()
    update = attenuation().backward(subject, uneven_material(), t, 1)
    for name, value in terms.items():
        assert update.terms[name] == pytest.approx(value, rel=1e-9)
    assert relative(flat_gradient(subject), expected) < 1e-9


def test_the_harmful_gradient_is_taken_anew_at_every_step() -> None:
    defense = Booster(train_steps=3, lr=5e-2, batch=12, optimizer=SGD(), clip=None)
    lengths = [step.terms["harmful_gradient_norm"] for step in defense.steps(tiny_subject(), tiny_material(), 1, None)]
    assert len(set(lengths)) == 3, "the rows of each step are all rows, so that only the weights differ"


def test_lam_0_is_refusal_sft_bit_for_bit() -> None:
    settings = {**dict(Training(lr=1e-2, batch=4, accumulation=2)), "train_steps": 3, "benign_share": 0.5}
    made = []
    for defense in (Booster.model_validate({**settings, "lam": 0.0}), RefusalSFT.model_validate(settings)):
        subject = tiny_subject()
        for _ in defense.steps(subject, tiny_material(), 3, None):
            pass
        made.append(weights(subject))
    assert same(*made)


def test_the_weights_are_where_they_were_when_the_gradient_is_there() -> None:
    subject, before = tiny_subject(), weights(tiny_subject())
    attenuation(alpha=3.0).backward(subject, tiny_material(), 0, 1)
    assert same(weights(subject), before)


def test_for_a_short_step_the_difference_is_the_curvature_along_the_gradient() -> None:
    plain = gradient(SFT(rows={"refusal": ROWS}, batch=ROWS))
    short, shorter = (gradient(attenuation(lam=1.0, alpha=alpha)) - plain for alpha in (1e-3, 5e-4))
    assert relative(2 * shorter, short) < 1e-2
    assert relative(short, plain) > 1e-4, "which is something"


class Quadratic(nn.Module):
    """h = ½ wᵀAw with A = diag(1, 4), at w = (1, 2)."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        self.config = tiny_subject().model.config
        self.w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))

    def forward(self) -> Tensor:
        return (torch.tensor([1.0, 4.0], dtype=torch.float64) * self.w.square()).sum() / 2


def test_on_a_quadratic_the_difference_is_the_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals have no part in it, so that the whole gradient is lam times the difference."""
    quadratic: Any = Quadratic()
    subject = Subject(quadratic, tiny_subject().tokenizer)

    def descended(subject: Subject, counted: Sequence[LossBatch]) -> float:
        loss = subject.model()
        torch.autograd.backward(loss)
        return float(loss.detach())

    monkeypatch.setattr(booster, "descend", descended)
    monkeypatch.setattr(SFT, "backward", lambda *given: Update(terms={"loss": 0.0}, rows=(), tokens={}))
    terms = attenuation(lam=2.0).backward(subject, tiny_material(), 0, 1).terms
    known = 2 * torch.tensor([0.01240, 0.39691], dtype=torch.float64)
    torch.testing.assert_close(quadratic.w.grad, known, atol=1e-5, rtol=0)
    assert terms["harmful_loss"] == 8.5
    assert terms["harmful_gradient_norm"] == pytest.approx(65**0.5, rel=1e-12)
    assert quadratic.w.tolist() == [1.0, 2.0]


def test_accumulated_equals_at_once() -> None:
    assert relative(gradient(attenuation(batch=1)), gradient(attenuation())) < 1e-12


def test_what_goes_through_is_counted_at_every_pass() -> None:
    update = attenuation().backward(float64_subject(), tiny_material(), 0, 1)
    aligned = SFT(rows={"refusal": ROWS}, batch=ROWS).backward(float64_subject(), tiny_material(), 0, 1)
    assert len(update.rows) == 2 * ROWS
    assert update.tokens["response"] > aligned.tokens["response"]
    assert update.tokens["read"] > 2 * aligned.tokens["read"]


def test_training_lowers_what_a_step_toward_harm_gains() -> None:
    gains = []
    for lam in (0.0, 20.0):
        defense = Booster(train_steps=25, lr=3e-3, batch=8, lam=lam)
        for step in defense.steps(tiny_subject(), tiny_material(), 0, None):
            gain = step.terms["harmful_loss"] - step.terms["harmful_loss_after_step"]
        gains.append(gain)
    assert 0 < gains[1] < 0.9 * gains[0]


def test_a_training_that_diverges_says_so() -> None:
    defense = Booster(train_steps=40, lr=1e20, batch=4, clip=None, optimizer=SGD())
    with pytest.raises(MethodFailure, match="diverged"):
        list(defense.steps(tiny_subject(), tiny_material(), 0, None))
