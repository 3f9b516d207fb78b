"""Representation rerouting against a transcription of the published code, its schedule and its start."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from support.float64 import flat_gradient, float64_subject, relative
from support.sorted_rows import MATERIAL, displaced, run
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.loss_based.circuit_breakers import CircuitBreakers
from titer.methods.requires import Need
from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.testing import check_defense, tiny_subject
from titer.training.objectives.loss_based.circuit_breakers import Rerouting
from titer.training.recipe import LoRA
from titer.training.representations import depths
from titer.training.representations.compared_rows import padded
from titer.training.sft import BatchSampler


def rerouting(
    targets: tuple[int, ...] = (1, 2),
    alpha: float = 10.0,
    schedule: int = 300,
    counts_padding: bool = True,
    draws_start: bool = False,
    keep: float = 1.0,
) -> Rerouting:
    return Rerouting(
        harmful=4,
        refusals=2,
        benign=2,
        batches=1,
        keep=keep,
        alpha=alpha,
        schedule=schedule,
        targets=targets,
        counts_padding=counts_padding,
        draws_start=draws_start,
    )


def batches(subject: Subject, t: int) -> tuple[Batch, Batch]:
    """The harmful and the retained rows of a step."""
    sampler = BatchSampler(subject, MATERIAL, ("harmful", "refusal", "benign"))
    retained = [*sampler.draw("refusal", 2, t, 1), *sampler.draw("benign", 2, t, 1)]
    return padded(subject, sampler.draw("harmful", 4, t, 1)), padded(subject, retained)


def stack(subject: Subject, batch: Batch) -> Tensor:
    output = subject.model(input_ids=batch.ids, attention_mask=batch.attention, output_hidden_states=True)
    return torch.stack(output.hidden_states)


def transcribed(subject: Subject, t: int, targets: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """compute_loss of AIM-Intelligence/RepBend, methods/circuit_breaker/trainer.py at 8220c87: retain, reroute."""
    harmful, retained = batches(subject, t)
    frozen = float64_subject()
    with torch.no_grad():
        kept_before, turned_before = stack(frozen, retained), stack(frozen, harmful)[list(targets)]
    mask = retained.attention[None, ..., None]
    retain = torch.norm(stack(subject, retained) * mask - kept_before * mask, dim=-1, p=2).nanmean()
    turned, seen = stack(subject, harmful)[list(targets)], harmful.attention.expand(len(targets), -1, -1)[..., None]
    one, other = turned / turned.norm(dim=-1, keepdim=True), turned_before / turned_before.norm(dim=-1, keepdim=True)
    return retain, torch.relu((one * other * seen).sum(-1)).sum() / seen.sum()


@pytest.mark.parametrize(
    "settings",
    [
        {"train_steps": 3, "lr": 1e-3, "batch": 4},
        {"train_steps": 2, "lr": 1e-3, "batch": 2, "accumulation": 2, "refusal_share": 0.0, "first_step": "rounding"},
        {"train_steps": 2, "lr": 1e-3, "batch": 2, "refusal_share": 1.0, "trainable": LoRA(rank=2, dropout=0.1)},
    ],
)
def test_conformance(settings: dict[str, Any]) -> None:
    check_defense(CircuitBreakers(**settings))


@pytest.mark.parametrize(("targets", "t", "keep"), [((1, 2), 0, 1.0), ((1,), 149, 1.0), ((1,), 149, 0.1)])
def test_a_step_is_that_of_the_published_code(targets: tuple[int, ...], t: int, keep: float) -> None:
    """With a strength of retaining of its own beside it, which is 1 there."""
    update, gradient = run(rerouting(targets, keep=keep), t=t)
    subject = displaced(0.05)
    retain, reroute = transcribed(subject, t, targets)
    progress = (t + 1) / 300
    loss = 10 * keep * progress * retain + 10 * (1 - progress) * reroute
    torch.autograd.backward(loss)
    assert relative(gradient, flat_gradient(subject)) < 1e-9
    found = [update.terms[name] for name in ("loss", "retain_norm", "reroute_cosine")]
    assert found == pytest.approx([float(own.detach()) for own in (loss, retain, reroute)], rel=1e-9)
    assert len(update.rows) == 8


def test_both_parts_have_a_gradient_away_from_the_reference_and_none_without_strength() -> None:
    assert float(run(rerouting(alpha=0.0))[1].norm()) == 0
    assert float(run(rerouting(alpha=0.0, draws_start=True), by=0.0)[1].norm()) == 0
    turning, keeping = run(rerouting(schedule=10**9))[1], run(rerouting(schedule=1))[1]
    assert min(float(turning.norm()), float(keeping.norm())) > 1e-3


def test_at_the_reference_both_gradients_are_nothing() -> None:
    update, gradient = run(rerouting(), by=0.0, t=74)
    assert update.terms["retain_norm"] == pytest.approx(0, abs=1e-12)
    assert update.terms["reroute_cosine"] == pytest.approx(1, rel=1e-12)
    assert float(gradient.norm()) < 1e-10


def test_the_first_step_alone_is_drawn_from_the_seed() -> None:
    drawn = rerouting(draws_start=True)
    update, gradient = run(drawn, by=0.0)
    assert float(gradient.norm()) == pytest.approx(1, rel=1e-6)
    assert torch.equal(gradient, run(rerouting(targets=(1,), draws_start=True), by=0.0)[1])
    assert update.terms["reroute_cosine"] == pytest.approx(1, rel=1e-12)
    assert torch.equal(run(drawn, t=1)[1], run(rerouting(), t=1)[1])


@pytest.mark.parametrize(("t", "reroute", "retain"), [(0, 9.967, 0.033), (74, 7.5, 2.5), (149, 5.0, 5.0)])
def test_the_schedule_counts_from_one(t: int, reroute: float, retain: float) -> None:
    terms = run(rerouting(), t=t)[0].terms
    assert terms["reroute_coefficient"] == pytest.approx(reroute, abs=1e-3)
    assert terms["retain_coefficient"] == pytest.approx(retain, abs=1e-3)


def test_states_that_are_turned_round_are_turned_no_further() -> None:
    subject, objective = float64_subject(), rerouting(targets=(0,), schedule=10**9)
    objective.prepare(subject, MATERIAL)
    with torch.no_grad():
        subject.model.get_parameter("model.embed_tokens.weight").neg_()
    assert objective.backward(subject, MATERIAL, 0, 1).terms["reroute_cosine"] == 0


def test_padding_dilutes_what_is_retained_only_if_it_counts() -> None:
    with_padding, without = (run(rerouting(counts_padding=own))[0].terms["retain_norm"] for own in (True, False))
    seen = batches(float64_subject(), 0)[1].attention
    assert seen.sum() < seen.numel()
    assert with_padding * seen.numel() == pytest.approx(without * int(seen.sum()), rel=1e-12)


@pytest.mark.parametrize(("blocks", "layers"), [(32, (10, 20)), (30, (9, 19)), (4, (1, 2)), (2, (1,))])
def test_targets_follow_the_depth(monkeypatch: pytest.MonkeyPatch, blocks: int, layers: tuple[int, ...]) -> None:
    monkeypatch.setattr(depths, "depth", lambda subject: blocks)
    assert depths.at(tiny_subject(), CircuitBreakers(train_steps=1).depths) == layers


def test_a_schedule_is_twice_the_training_and_never_shorter() -> None:
    first = next(iter(CircuitBreakers(train_steps=5, batch=2).steps(tiny_subject(), MATERIAL, 0, None)))
    assert first.terms["retain_coefficient"] == pytest.approx(1.0)
    with pytest.raises(ValidationError, match="schedule_steps is below train_steps"):
        CircuitBreakers(train_steps=5, schedule_steps=4)


def test_it_needs_the_rows_of_its_shares_and_a_layer_that_there_is() -> None:
    needs = {share: set(CircuitBreakers(train_steps=1, refusal_share=share).requires.rows) for share in (0.0, 0.5, 1.0)}
    assert needs == {0.0: {Need.HARMFUL, Need.BENIGN}, 0.5: {Need.PAIRS, Need.BENIGN}, 1.0: {Need.PAIRS}}
    with pytest.raises(InputError, match="no hidden state 3 in a subject of 2 blocks"):
        CircuitBreakers(train_steps=1, layers=(3,)).check(tiny_subject())
