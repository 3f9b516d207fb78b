"""The seed paper's loss against a transcription of the published code, and its gradient against its parts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, padded_by_its_end, relative
from support.uneven_rows import uneven_material
from torch import Tensor

from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.models.chat_format import Example, encode_example, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.loss_based.adversarial_loss import Contrast
from titer.training.recipe import LoRA, Training
from titer.training.sft import SFT
from titer.training.types import Objective

ROWS = 4
MATERIAL = uneven_material(ROWS)
Made = Callable[[], Subject]
PADDED = pytest.mark.parametrize("made", [float64_subject, padded_by_its_end])
"""A padding token of its own is token 0, which the published code ignores as a label; the end token it counts."""


def published_ce(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """masked_token_ce_loss of domenicrosati/representation-noising, loss.py at a1c3298, on one device."""
    shift_logits = logits[..., :-1, :] * mask[..., :-1].unsqueeze(-1)
    shift_labels = labels[..., 1:] * mask[..., 1:]
    shift_labels[shift_labels == 0] = -100
    return torch.nn.functional.cross_entropy(shift_logits.flatten(0, 1), shift_labels.flatten())


def encoded(subject: Subject) -> tuple[list[Example], list[Example]]:
    """The refusals, and the harmful responses."""
    rows, frame = MATERIAL.harmful, MATERIAL.frame
    refusals = [encode_example(subject.tokenizer, row.prompt, str(row.refusal), frame) for row in rows]
    return refusals, [encode_example(subject.tokenizer, row.prompt, row.response, frame) for row in rows]


def published(subject: Subject) -> tuple[Tensor, Tensor]:
    """ce_m of the refusals and of the harmful responses, in one padded batch."""
    refusals, harmful = encoded(subject)
    both = pad_batch([*refusals, *harmful], int(subject.tokenizer.pad_token_id))
    mask = (both.ids[:ROWS] != both.ids[ROWS:]).long()
    logits = subject.model(input_ids=both.ids, attention_mask=both.attention).logits
    good = published_ce(logits[:ROWS], both.ids[:ROWS].clone(), mask)
    return good, published_ce(logits[ROWS:], both.ids[ROWS:].clone(), mask)


def contrast(weight: float, mask: str = "paired_difference", clamp: float | None = None, benign: int = 0) -> Contrast:
    loss = AdversarialLoss.model_validate({"train_steps": 1, "mask": mask})
    return Contrast(pairs=ROWS, benign=benign, batch=ROWS, weight=weight, mask=loss.mask, clamp=clamp)


def gradient(objective: Objective, made: Made = float64_subject) -> Tensor:
    subject = made()
    objective.backward(subject, MATERIAL, 0, 1)
    return flat_gradient(subject)


def published_gradient(part: int, made: Made) -> Tensor:
    subject = made()
    torch.autograd.backward(published(subject)[part])
    return flat_gradient(subject)


@pytest.mark.parametrize(
    "defense",
    [
        AdversarialLoss(train_steps=4, lr=1e-2, weight=0.5, batch=4),
        AdversarialLoss(train_steps=4, lr=1e-2, mask="response", clamp=6.0, benign_share=0.5, batch=4, accumulation=2),
        AdversarialLoss(train_steps=4, lr=1e-2, trainable=LoRA(rank=2, dropout=0.1)),
    ],
)
def test_conformance(defense: AdversarialLoss) -> None:
    check_defense(defense)


@PADDED
def test_loss_is_that_of_the_published_code(made: Made) -> None:
    update = contrast(0.3).backward(made(), MATERIAL, 0, 1)
    good, bad = (float(part.detach()) for part in published(made()))
    assert update.terms["refusal_loss"] == pytest.approx(good, rel=1e-9)
    assert update.terms["harmful_loss"] == pytest.approx(bad, rel=1e-9)
    assert update.terms["loss"] == pytest.approx(good - 0.3 * bad, rel=1e-9)


@PADDED
def test_gradient_is_that_of_the_two_parts_computed_apart(made: Made) -> None:
    expected = published_gradient(0, made) - 0.3 * published_gradient(1, made)
    assert relative(gradient(contrast(0.3), made), expected) < 1e-9


def test_padding_by_the_end_token_counts_where_the_other_of_a_pair_goes_on() -> None:
    """At the end of the shorter one either has a real token; from there to that of the longer one, padding counts."""
    longer, shorter = (contrast(0.3).backward(made(), MATERIAL, 0, 1) for made in (padded_by_its_end, float64_subject))
    apart = [abs(len(one.ids) - len(other.ids)) for one, other in zip(*encoded(tiny_subject()), strict=True)]
    assert longer.tokens["padding"] == sum(own - 1 for own in apart if own) > 0
    assert shorter.tokens["padding"] == 0


def test_weight_0_is_a_step_on_the_masked_loss_and_not_plain_refusal_training() -> None:
    assert relative(gradient(contrast(0.0)), published_gradient(0, float64_subject)) < 1e-9
    plain = gradient(SFT(rows={"refusal": ROWS}, batch=ROWS))
    cosine = float(torch.nn.functional.cosine_similarity(plain, gradient(contrast(0.0)), dim=0))
    assert cosine < 0.99


def test_weight_1_with_the_roles_exchanged_flips_the_sign() -> None:
    update = contrast(1.0).backward(float64_subject(), tiny_material(4), 0, 1)
    material = tiny_material(4)
    exchanged = tuple(
        row.model_copy(update={"response": row.refusal, "refusal": row.response}) for row in material.harmful
    )
    swapped = type(material)(harmful=exchanged)
    other = contrast(1.0).backward(float64_subject(), swapped, 0, 1)
    assert other.terms["loss"] == pytest.approx(-update.terms["loss"], rel=1e-9)


def test_the_response_mask_with_weight_0_is_refusal_sft_bit_for_bit() -> None:
    shared = Training(lr=1e-2, batch=4, accumulation=2)
    settings = {**dict(shared), "train_steps": 5, "benign_share": 0.5}
    made = []
    zero = AdversarialLoss.model_validate({**settings, "weight": 0.0, "mask": "response"})
    for defense in (zero, RefusalSFT.model_validate(settings)):
        subject = tiny_subject()
        for _ in defense.steps(subject, tiny_material(), 3, None):
            pass
        made.append(weights(subject))
    assert same(*made)


def test_above_the_clamp_only_the_refusals_are_trained() -> None:
    free, held = contrast(0.3, clamp=1000.0), contrast(0.3, clamp=1e-3)
    assert torch.equal(gradient(free), gradient(contrast(0.3)))
    assert relative(gradient(held), gradient(contrast(0.0))) < 1e-9


@pytest.mark.parametrize("mask", ["paired_difference", "response"])
def test_accumulated_equals_at_once(mask: str) -> None:
    defense = AdversarialLoss.model_validate({"train_steps": 1, "mask": mask})
    whole = Contrast(pairs=4, benign=2, batch=6, weight=0.3, mask=defense.mask, clamp=None)
    parts = Contrast(pairs=4, benign=2, batch=1, weight=0.3, mask=defense.mask, clamp=None)
    assert relative(gradient(parts), gradient(whole)) < 1e-9


def test_targets_are_told_by_part() -> None:
    update = contrast(0.3).backward(tiny_subject(), tiny_material(4), 0, 1)
    assert update.tokens["prompt"] == 0
    assert update.tokens["response"] > 0
    response = contrast(0.3, mask="response", benign=2).backward(tiny_subject(), tiny_material(4), 0, 1)
    assert (response.tokens["prompt"], response.tokens["padding"]) == (0, 0)
    assert len(response.rows) == 10


def test_the_harmful_loss_is_unbounded() -> None:
    subject = tiny_subject()
    defense = AdversarialLoss(train_steps=60, lr=3e-2, weight=1.0, mask="response", clip=None)
    for step in defense.steps(subject, tiny_material(), 0, None):
        harmful = step.terms["harmful_loss"]
    assert harmful > 2 * math.log(len(subject.tokenizer))
