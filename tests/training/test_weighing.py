"""Whether long benign answers outweigh short refusals: tokens count alike, or rows do."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from support.unlearning import written_out_nats

from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.records import Row
from titer.testing import tiny_subject
from titer.training.objectives.loss_based.adversarial_loss import Contrast
from titer.training.sft import SFT, RowSource
from titer.training.types import Material

HARMFUL = tuple(Row(id=f"h{i}", group=f"h{i}", prompt=f"code {i}", response="it is 7", refusal="no") for i in range(3))
BENIGN = tuple(Row(id=f"b{i}", group=f"b{i}", prompt=f"{i} and {i}", response="many words " * 4) for i in range(2))
MATERIAL = Material(harmful=HARMFUL, benign=BENIGN)


def sft(rows: dict[RowSource, int], weigh: Literal["tokens", "rows"]) -> tuple[float, torch.Tensor]:
    subject = tiny_subject()
    update = SFT(rows=rows, batch=2, weigh=weigh).backward(subject, MATERIAL, 0, 5)
    return update.terms["loss"], torch.cat([p.grad.flatten() for p in subject.model.parameters() if p.grad is not None])


def test_by_rows_each_part_has_the_share_of_its_rows_whatever_its_length() -> None:
    (refusals, first), (benign, second) = sft({"refusal": 3}, "tokens"), sft({"benign": 2}, "tokens")
    loss, gradient = sft({"refusal": 3, "benign": 2}, "rows")
    assert loss == pytest.approx(0.6 * refusals + 0.4 * benign, rel=1e-5)
    torch.testing.assert_close(gradient, 0.6 * first + 0.4 * second, atol=1e-6, rtol=1e-4)
    pooled, _ = sft({"refusal": 3, "benign": 2}, "tokens")
    assert abs(pooled - benign) < abs(loss - benign), "pooled, the long answers decide"


@pytest.mark.parametrize("weigh", ["tokens", "rows"])
def test_a_step_is_the_mean_over_tokens_or_over_the_rows_of_parts_written_out(
    weigh: Literal["tokens", "rows"],
) -> None:
    """On refusals of different lengths and benign answers of different lengths, all rows that there are."""
    subject, slow, material = float64_subject(), float64_subject(), uneven_material(4)
    update = SFT(rows={"refusal": 4, "benign": 4}, batch=3, weigh=weigh).backward(subject, material, 0, 5)
    refused = torch.cat([written_out_nats(slow, row.prompt, str(row.refusal)) for row in material.harmful])
    answered = torch.cat([written_out_nats(slow, row.prompt, row.response) for row in material.benign])
    pooled = torch.cat([refused, answered]).mean()
    loss = pooled if weigh == "tokens" else 0.5 * refused.mean() + 0.5 * answered.mean()
    torch.autograd.backward(loss)
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert relative(flat_gradient(subject), flat_gradient(slow)) < 1e-9


@pytest.mark.parametrize("mask", ["response", "paired_difference"])
def test_adversarial_loss_weighs_its_good_part_in_the_same_way(mask: Literal["response", "paired_difference"]) -> None:
    found = {}
    for benign in (0, 2):
        objective = Contrast(pairs=3, benign=benign, batch=2, weight=0.0, mask=mask, clamp=None, weigh="rows")
        found[benign] = objective.backward(tiny_subject(), MATERIAL, 0, 5).terms["refusal_loss"]
    assert found[2] == pytest.approx(0.6 * found[0] + 0.4 * sft({"benign": 2}, "tokens")[0], rel=1e-5)


def test_by_tokens_is_the_default_and_written_as_ever() -> None:
    assert "weigh" not in RefusalSFT(train_steps=1).to_data()
    assert "weigh" not in AdversarialLoss(train_steps=1).to_data()


def test_a_clamp_above_the_loss_of_a_guess_is_told() -> None:
    for clamp, told in ((None, "without a clamp"), (10.9, "with a clamp of 10.9 nats"), (10.8, None)):
        notices = AdversarialLoss(train_steps=1, clamp=clamp).notices(49_152)
        assert [told in notice for notice in notices if told] == ([True] if told else [])
        assert (notices == ()) == (told is None)
    assert AdversarialLoss(train_steps=1, weight=0.0).notices(49_152) == ()
    assert RefusalSFT(train_steps=1).notices(2) == ()
