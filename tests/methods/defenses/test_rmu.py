"""Misdirection against a transcription of the published code, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.float64 import float64_subject, relative
from support.sorted_rows import MATERIAL, displaced
from torch import Tensor

from benchmarks.defense_table import passes_said
from titer.errors import InputError
from titer.methods.defenses.loss_based.rmu import RMU
from titer.models.subject import Subject
from titer.records import Choice
from titer.testing import check_defense, tiny_subject, weights
from titer.training.objectives.loss_based.rmu import Misdirection, direction
from titer.training.recipe import AdamW, LoRA
from titer.training.representations import depths
from titer.training.representations.compared_rows import padded
from titer.training.sft import BatchSampler
from titer.training.types import Update

STEP = 1
"""One whose harmful rows and whose benign ones differ in length."""
OUT = "model.layers.{}.mlp.down_proj.weight"


def misdirection(
    weights: tuple[float, float] = (1.0, 30.0),
    steering: float = 6.5,
    layer: int = 2,
    updated: tuple[int, ...] = (1, 2),
    counts_padding: bool = True,
) -> Misdirection:
    return Misdirection(
        batch=4,
        batches=1,
        weights=weights,
        steering=steering,
        layer=layer,
        updated=updated,
        counts_padding=counts_padding,
    )


def run(objective: Misdirection, by: float = 0.05) -> tuple[Update, dict[str, Tensor]]:
    """A step of a subject that moved by so much since: the update, and every gradient that there is."""
    subject = float64_subject()
    objective.prepare(subject, MATERIAL)
    subject.model.load_state_dict(displaced(by).model.state_dict())
    update = objective.backward(subject, MATERIAL, STEP, 1)
    return update, {name: own.grad for name, own in subject.model.named_parameters() if own.grad is not None}


def transcribed(
    subject: Subject, block: int, weights: tuple[float, float], steering: float, counts_padding: bool
) -> tuple[Tensor, Tensor]:
    """run_rmu of jeanne-s/wmdp_rec, old_rmu/unlearn.py at 0c88b31: both losses, with the output of a block from 0.

    The code has them over all places; without padding they are over those that the attention mask shows.
    """
    sampler = BatchSampler(subject, MATERIAL, ("harmful", "benign"))
    cache: list[Tensor] = []
    seen: list[Tensor] = []
    for own, part in ((subject, "harmful"), (subject, "benign"), (float64_subject(), "benign")):
        batch = padded(subject, sampler.draw("harmful" if part == "harmful" else "benign", 4, STEP, 1))
        module = own.model.model.layers[block]
        handle = module.register_forward_hook(lambda module, inputs, output: cache.append(output))
        own.model(input_ids=batch.ids, attention_mask=batch.attention)
        handle.remove()
        assert not batch.attention.all(), "each batch is padded"
        seen.append(torch.ones_like(batch.attention).bool() if counts_padding else batch.attention == 1)
    harmful, benign, frozen = (states[shown] for states, shown in zip(cache, seen, strict=True))
    forget = torch.nn.functional.mse_loss(harmful, (steering * direction(16, 1)).expand_as(harmful))
    return weights[0] * forget, weights[1] * torch.nn.functional.mse_loss(benign, frozen.detach())


@pytest.mark.parametrize(
    "settings",
    [
        {"train_steps": 3, "lr": 1e-2, "batch": 4},
        {"train_steps": 2, "lr": 1e-2, "batch": 2, "accumulation": 2, "layer": 2, "updated": (2,)},
        {"train_steps": 2, "lr": 1e-2, "batch": 2, "trainable": LoRA(rank=2, dropout=0.1)},
    ],
)
def test_conformance(settings: dict[str, Any]) -> None:
    check_defense(RMU(**settings))


@pytest.mark.parametrize("counts_padding", [True, False])
def test_a_step_is_that_of_the_published_code_with_padding_or_without(counts_padding: bool) -> None:
    update, gradient = run(misdirection(layer=1, updated=(1,), counts_padding=counts_padding))
    subject = displaced(0.05)
    forget, retain = transcribed(subject, 0, (1.0, 30.0), 6.5, counts_padding)
    torch.autograd.backward(forget + retain)
    assert set(gradient) == {OUT.format(0)}
    expected = subject.model.get_parameter(OUT.format(0)).grad
    assert expected is not None
    assert relative(gradient[OUT.format(0)], expected) < 1e-9
    assert update.terms["loss"] == pytest.approx(float((forget + retain).detach()), rel=1e-9)
    assert update.terms["forget_loss"] == pytest.approx(float(forget.detach()), rel=1e-9)
    assert 30 * update.terms["retain_loss"] == pytest.approx(float(retain.detach()), rel=1e-9)


def test_both_terms_have_a_gradient_and_they_add() -> None:
    whole, forget, retain = (run(misdirection(own))[1] for own in ((1.0, 30.0), (1.0, 0.0), (0.0, 30.0)))
    assert set(whole) == {OUT.format(0), OUT.format(1)}
    for name, own in whole.items():
        assert min(float(forget[name].norm()), float(retain[name].norm())) > 1e-6
        assert relative(forget[name] + retain[name], own) < 1e-9


def test_without_the_harmful_term_nothing_moves_from_the_reference_and_c_0_is_not_that() -> None:
    update, gradient = run(misdirection((0.0, 30.0)), by=0.0)
    assert update.terms["retain_loss"] == 0
    assert all(float(own.norm()) == 0 for own in gradient.values())
    update, gradient = run(misdirection(steering=0.0, layer=1, updated=(1,)), by=0.0)
    assert update.terms["forget_loss"] > 0
    assert float(gradient[OUT.format(0)].norm()) > 1e-6


def test_the_vector_is_of_norm_1_in_the_positive_orthant_and_of_the_seed() -> None:
    one = direction(576, 1)
    assert float(one.norm()) == pytest.approx(1, rel=1e-12)
    assert float(one.min()) >= 0
    assert torch.equal(one, direction(576, 1))
    assert not torch.equal(one, direction(576, 2))
    assert float(one.mean()) == pytest.approx(576**-0.5 * 0.866, rel=0.05)  # E[u]/E[u²]^½ of a uniform u is √3/2


def test_all_else_stays_bit_for_bit_and_trainable() -> None:
    subject, before = tiny_subject(), weights(tiny_subject())
    defense = RMU(train_steps=3, lr=1e-2, batch=4, layer=2, updated=(2,), optimizer=AdamW(weight_decay=0.1))
    for _ in defense.steps(subject, MATERIAL, 0, None):
        assert all(own.requires_grad for own in subject.model.parameters())
    after = weights(subject)
    assert {name for name in after if not torch.equal(after[name], before[name])} == {OUT.format(1)}


@pytest.mark.parametrize(("blocks", "layer"), [(32, 8), (30, 8), (12, 3), (4, 1), (2, 1)])
def test_the_layer_follows_the_depth(monkeypatch: pytest.MonkeyPatch, blocks: int, layer: int) -> None:
    monkeypatch.setattr(depths, "depth", lambda subject: blocks)
    assert depths.at(tiny_subject(), (RMU(train_steps=1).depth,)) == (layer,)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"layer": 3}, "no hidden state 3 in a subject of 2 blocks"),
        ({"layer": 1, "updated": (2,)}, "block 2 does not write what is read at layer 1"),
        ({"updated": (0,)}, "block 0 does not write"),
    ],
)
def test_a_place_that_there_is_not_is_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        RMU(train_steps=1, **settings).check(tiny_subject())


def test_an_adapter_elsewhere_is_told_before_training() -> None:
    defense = RMU(train_steps=1, trainable=LoRA(rank=2, targets=("q_proj",)))
    with pytest.raises(InputError, match="no adapter is on the feed-forward output of block 1"):
        next(iter(defense.steps(tiny_subject(), MATERIAL, 0, None)))


def test_what_it_trains_on_is_told_from_what_it_reads() -> None:
    """Two conversations a row are trained on in three blocks, one is read by the reference; both cost as reading."""
    defense = RMU(train_steps=1, batch=2, accumulation=2)
    (step,) = defense.steps(tiny_subject(), MATERIAL, 0, None)
    assert step.spent.examples == defense.load.partly == 2 * defense.rows_per_step
    assert passes_said(Choice(name="rmu", parameters=defense.to_data())) == "2 + 1 read"
    assert passes_said(Choice(name="repbend", parameters={"train_steps": 1})) == "5 + 5 read"
