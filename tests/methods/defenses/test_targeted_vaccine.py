"""Which blocks the targeted form of Vaccine draws, and what stands still of the others."""

from __future__ import annotations

import math
from collections import Counter
from random import Random
from typing import Literal

import pytest
import torch
from support.float64 import float64_subject
from support.targeted import ROWS, targeted

from titer.errors import InputError, MethodFailure
from titer.methods.defenses.perturbation.targeted_vaccine import TargetedVaccine
from titer.seeds import derive
from titer.testing import tiny_material, tiny_subject, weights
from titer.training.objectives.perturbation.targeted_vaccine import drawn_blocks, steepness
from titer.training.recipe import LoRA
from titer.training.representations import hidden_states
from titer.training.sft import BatchSampler, count_responses


def test_a_block_stands_still_until_it_is_drawn() -> None:
    defense = TargetedVaccine(train_steps=6, lr=1e-2, batch=4, layers=1, switch_every=3)
    subject = tiny_subject()
    before, moved = weights(subject), []
    for _ in defense.steps(subject, tiny_material(), 2, None):
        now = weights(subject)
        changed = {name.split(".")[2] for name in now if not torch.equal(now[name], before[name]) and "layers" in name}
        moved.append(changed)
        before = now
    assert all(len(blocks) == 1 for blocks in moved)
    assert moved[0] == moved[1] == moved[2]
    assert moved[3] == moved[4] == moved[5]


def test_steepness_is_the_mean_over_rows_of_their_own_gradients() -> None:
    subject, material = float64_subject(), tiny_material(5)
    sampler = BatchSampler(subject, material, ("harmful",))
    rows = [one.example for one in sampler.all("harmful")]
    outputs = hidden_states.attentions(subject)
    together = steepness(subject, count_responses(subject, rows, 5), outputs)
    single = torch.zeros(2, dtype=torch.float64)
    for row in rows:
        with hidden_states.outputs(outputs) as seen:
            logits = subject.model(input_ids=torch.tensor([row.ids])).logits[0, :-1]
        labels = torch.tensor(row.ids).masked_fill(~torch.tensor(row.mask), -100)[1:]
        nll = torch.nn.functional.cross_entropy(logits, labels)
        single += torch.stack([own.norm() for own in torch.autograd.grad(nll, seen)])
    torch.testing.assert_close(together, single, rtol=1e-9, atol=0)


def test_a_single_block_is_drawn_in_proportion_and_one_row_is_the_code_s() -> None:
    objective = targeted(1)
    objective.backward(float64_subject(), tiny_material(), 0, 1)
    chances = objective.state()["chances"]
    assert torch.equal(objective.state()["drawn"], drawn_blocks(chances, 1, derive(1, "blocks", 0)))
    counts = Counter(int(drawn_blocks(chances, 1, seed)) for seed in range(400))
    expected = chances / chances.sum() * 400
    chi_squared = sum((counts[block] - float(expected[block])) ** 2 / float(expected[block]) for block in range(2))
    assert chi_squared < 10.8, "which is exceeded once in a thousand times"
    update = targeted(1, scored_rows=1).backward(float64_subject(), tiny_material(), 0, 1)
    assert len(update.rows) == ROWS + 1


def test_several_blocks_are_drawn_one_after_the_other_without_replacement() -> None:
    """Which is not in proportion: of eight, four drawn, one with a chance of 0.4 is among them 92 times in 100."""
    chances = [0.4, *[0.6 / 7] * 7]
    simulated, drawn, order, times = Counter[int](), Counter[int](), Random(0), 4000
    for seed in range(times):
        left = list(range(8))
        for _ in range(4):
            block = order.choices(left, [chances[one] for one in left])[0]
            left.remove(block)
            simulated[block] += 1
        found = drawn_blocks(torch.tensor(chances, dtype=torch.float64), 4, seed).tolist()
        assert found == sorted(set(found))
        drawn.update(found)
    for block in range(8):
        share, other = drawn[block] / times, simulated[block] / times
        assert abs(share - other) < 4 * math.sqrt(2 * other * (1 - other) / times)
    assert drawn[0] / times == pytest.approx(0.92, abs=0.02)


@pytest.mark.parametrize(("freeze", "still"), [("block", "layers.{}."), ("attention", "layers.{}.self_attn.")])
def test_adapters_outside_the_drawn_blocks_stay_bit_for_bit(freeze: Literal["block", "attention"], still: str) -> None:
    defense = TargetedVaccine(
        train_steps=4, lr=1e-2, batch=4, layers=1, switch_every=10, freeze=freeze, trainable=LoRA(rank=2)
    )
    subject, seen = tiny_subject(), []
    for step in defense.steps(subject, tiny_material(), 2, None):
        if step.dose < 4:  # the last merges it
            named = subject.model.named_parameters()
            seen.append({name: own.detach().clone() for name, own in named if "lora" in name})
    moved = {name for name in seen[0] if not torch.equal(seen[0][name], seen[-1][name])}
    (drawn,) = {block for block in range(2) if any(f"layers.{block}.self_attn." in name for name in moved)}
    assert {name for name in seen[0] if still.format(1 - drawn) not in name} == moved


def test_more_blocks_than_there_are_end_before_training() -> None:
    defense = TargetedVaccine(train_steps=1, layers=3)
    for refused in (defense.check, lambda subject: list(defense.steps(subject, tiny_material(), 0, None))):
        with pytest.raises(InputError, match=r"layers: 3 blocks are to be drawn, and the model has 2"):
            refused(tiny_subject())
    TargetedVaccine(train_steps=1, layers=2).check(tiny_subject())


def test_blocks_that_no_gradient_tells_apart_are_a_failure() -> None:
    subject, material = tiny_subject(), tiny_material()
    with torch.no_grad():
        subject.model.model.norm.weight.fill_(math.inf)
    with pytest.raises(MethodFailure, match="zero or not finite at step 1"):
        list(TargetedVaccine(train_steps=1, layers=1).steps(subject, material, 0, None))
