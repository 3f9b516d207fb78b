"""Representation bending against a transcription of the published code, and its known values."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.sorted_rows import MATERIAL, B, displaced, drawn, hidden, run, transcribed_kl
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.loss_based.repbend import RepBend
from titer.models.subject import Subject
from titer.testing import check_defense, tiny_subject
from titer.training.objectives.loss_based.repbend import Bending, unlikeness
from titer.training.recipe import LoRA
from titer.training.representations.safe_unsafe import Sorted

Weights = tuple[float, float, float, float]
SCRIPT: Weights = (0.5, 0.5, 0.1, 0.3)
ALL = (0, 1, 2)


def bending(weights: Weights = SCRIPT, targets: tuple[int, ...] = (1, 2), cap: float | None = None) -> Bending:
    return Bending(batch=B, batches=1, weights=weights, targets=targets, cap=cap, sums_tokens=True)


def transcribed(subject: Subject, part: Sorted, targets: tuple[int, ...]) -> dict[str, Tensor]:
    """_calc_loss of AIM-Intelligence/RepBend, methods/rep_bending/trainer.py at 8220c87, term by term."""
    frozen = float64_subject()
    with torch.no_grad():
        safe_before, unsafe_before = hidden(frozen, part.safe, ALL), hidden(frozen, part.unsafe, targets)
    counts = part.safe.mask.expand(len(ALL), -1, -1).sum()
    safe = torch.norm(hidden(subject, part.safe, ALL) - safe_before, dim=-1).sum() / counts
    counts = part.unsafe.mask.expand(len(targets), -1, -1).sum()
    unsafe = torch.norm(hidden(subject, part.unsafe, targets) - unsafe_before, dim=-1).sum() / counts
    output = subject.model(
        input_ids=part.unsafe.ids, attention_mask=part.unsafe.attention, output_hidden_states=True
    ).hidden_states
    cosine = torch.zeros((), dtype=torch.float64)
    for layer in targets:
        rows = [output[layer][row, part.rows[2 * B + row].example.mask.index(True) - 1] for row in range(2 * B)]
        unit = [own / own.norm() for own in rows]
        others = [1 - one @ other for i, one in enumerate(unit) for j, other in enumerate(unit) if i != j]
        cosine = cosine + torch.stack(others).mean() / len(targets)
    kl = transcribed_kl(subject, frozen, part.retained)
    return {"safe_norm": safe, "unsafe_norm": unsafe, "unlikeness": cosine, "kl": kl}


@pytest.mark.parametrize(
    "settings",
    [
        {"train_steps": 3, "lr": 1e-2, "batch": 3},
        {"train_steps": 2, "lr": 1e-2, "batch": 2, "accumulation": 2, "cap": 2.0, "kl_sums_tokens": False},
        {"train_steps": 2, "lr": 1e-2, "batch": 1, "trainable": LoRA(rank=2, dropout=0.1)},
    ],
)
def test_conformance(settings: dict[str, Any]) -> None:
    check_defense(RepBend(**settings))


@pytest.mark.parametrize("targets", [(1, 2), (2,)])
def test_a_step_is_that_of_the_published_code(targets: tuple[int, ...]) -> None:
    update, gradient = run(bending(targets=targets))
    subject = displaced(0.05)
    parts = transcribed(subject, drawn(), targets)
    alpha, beta, gamma, epsilon = SCRIPT
    loss = alpha * parts["safe_norm"] - beta * parts["unsafe_norm"] + gamma * parts["unlikeness"]
    loss = loss + epsilon * parts["kl"]
    torch.autograd.backward(loss)
    assert relative(gradient, flat_gradient(subject)) < 1e-9
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    for name, own in parts.items():
        assert update.terms[name] == pytest.approx(float(own.detach()), rel=1e-9)


def test_at_the_reference_only_the_likeness_of_requests_moves() -> None:
    update, gradient = run(bending(), by=0.0)
    assert [update.terms[name] for name in ("safe_norm", "unsafe_norm", "kl")] == pytest.approx([0, 0, 0], abs=1e-12)
    assert float(gradient.norm()) > 1e-4
    assert relative(run(bending((0.0, 0.0, 0.1, 0.0)), by=0.0)[1], gradient) < 1e-9
    assert float(run(bending((0.5, 0.5, 0.0, 0.3)), by=0.0)[1].norm()) < 1e-9


def test_each_term_has_a_gradient_and_they_add() -> None:
    whole = run(bending())[1]
    parts = []
    for place, weight in enumerate(SCRIPT):
        alone = [weight * (place == other) for other in range(4)]
        parts.append(run(bending((alone[0], alone[1], alone[2], alone[3])))[1])
    assert min(float(own.norm()) for own in parts) > 1e-4
    assert relative(sum(parts, torch.zeros_like(whole)), whole) < 1e-9
    assert float(run(bending((0.0, 0.0, 0.0, 0.0)))[1].norm()) == 0


def test_equal_requests_are_alike_and_opposite_ones_are_not() -> None:
    row = torch.randn(1, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(unlikeness(row.expand(4, -1))) == pytest.approx(0, abs=1e-12)
    assert float(unlikeness(torch.cat([row, -3 * row]))) == pytest.approx(2, rel=1e-12)
    assert 0 <= run(bending())[0].terms["unlikeness"] <= 2


def test_it_is_not_bounded_below() -> None:
    near, far = (run(bending((0.0, 0.5, 0.0, 0.0)), by=by)[0].terms["loss"] for by in (30.0, 300.0))
    assert near < -10
    assert far < 5 * near
    (notice,) = RepBend(train_steps=1).notices(100)
    assert "without end" in notice
    assert RepBend(train_steps=1, cap=2.0).notices(100) == RepBend(train_steps=1, beta=0.0).notices(100) == ()


def test_above_the_cap_unsafe_states_are_driven_no_further() -> None:
    update, gradient = run(bending())
    share = update.terms["unsafe_norm"] / update.terms["hidden_norm"]
    below, above = run(bending(cap=1.01 * share)), run(bending(cap=0.99 * share))
    assert torch.equal(below[1], gradient)
    assert relative(above[1], run(bending((0.5, 0.0, 0.1, 0.3)))[1]) < 1e-9
    assert above[0].terms["loss"] == pytest.approx(update.terms["loss"], rel=1e-12)


def test_a_layer_that_there_is_not_is_told_before_training() -> None:
    with pytest.raises(InputError, match="no hidden state 7 in a subject of 2 blocks"):
        next(iter(RepBend(train_steps=1, layers=(7,)).steps(tiny_subject(), MATERIAL, 0, None)))
