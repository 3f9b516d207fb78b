"""The seed paper's loss against a transcription of the published code, and its gradient against its parts."""

from __future__ import annotations

import math

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from torch import Tensor

from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.models.chat_format import encode_example, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.loss_based.adversarial_loss import Contrast
from titer.training.recipe import LoRA, Training
from titer.training.sft import SFT
from titer.training.types import Objective


def published_ce(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """masked_token_ce_loss of domenicrosati/representation-noising, loss.py at a1c3298, on one device."""
    shift_logits = logits[..., :-1, :] * mask[..., :-1].unsqueeze(-1)
    shift_labels = labels[..., 1:] * mask[..., 1:]
    shift_labels[shift_labels == 0] = -100
    return torch.nn.functional.cross_entropy(shift_logits.flatten(0, 1), shift_labels.flatten())


def published(subject: Subject, rows: int) -> tuple[Tensor, Tensor]:
    """ce_m of the refusals and of the harmful responses of the first rows, in one padded batch."""
    material = tiny_material(rows)
    refusals = [encode_example(subject.tokenizer, r.prompt, str(r.refusal), material.frame) for r in material.harmful]
    harmful = [encode_example(subject.tokenizer, r.prompt, r.response, material.frame) for r in material.harmful]
    both = pad_batch([*refusals, *harmful], 0)
    mask = (both.ids[:rows] != both.ids[rows:]).long()
    logits = subject.model(input_ids=both.ids, attention_mask=both.attention).logits
    good = published_ce(logits[:rows], both.ids[:rows].clone(), mask)
    return good, published_ce(logits[rows:], both.ids[rows:].clone(), mask)


def contrast(weight: float, mask: str = "paired_difference", clamp: float | None = None, benign: int = 0) -> Contrast:
    loss = AdversarialLoss.model_validate({"train_steps": 1, "mask": mask})
    return Contrast(pairs=4, benign=benign, batch=4, weight=weight, mask=loss.mask, clamp=clamp)


def gradient(objective: Objective) -> Tensor:
    subject = float64_subject()
    objective.backward(subject, tiny_material(4), 0, 1)
    return flat_gradient(subject)


def published_gradient(part: int) -> Tensor:
    subject = float64_subject()
    torch.autograd.backward(published(subject, 4)[part])
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


def test_loss_is_that_of_the_published_code() -> None:
    update = contrast(0.3).backward(float64_subject(), tiny_material(4), 0, 1)
    good, bad = (float(part.detach()) for part in published(float64_subject(), 4))
    assert update.terms["refusal_loss"] == pytest.approx(good, rel=1e-9)
    assert update.terms["harmful_loss"] == pytest.approx(bad, rel=1e-9)
    assert update.terms["loss"] == pytest.approx(good - 0.3 * bad, rel=1e-9)


def test_gradient_is_that_of_the_two_parts_computed_apart() -> None:
    expected = published_gradient(0) - 0.3 * published_gradient(1)
    assert relative(gradient(contrast(0.3)), expected) < 1e-9


def test_weight_0_is_a_step_on_the_masked_loss_and_not_plain_refusal_training() -> None:
    assert relative(gradient(contrast(0.0)), published_gradient(0)) < 1e-9
    plain = gradient(SFT(rows={"refusal": 4}, batch=4))
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
