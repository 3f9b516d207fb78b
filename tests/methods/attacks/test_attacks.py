"""Fine-tuning on harmful rows, and no attack at all."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from titer.methods.attacks.controls.baseline import Baseline
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Attack
from titer.methods.probes.generate import Generate
from titer.records import Frame, Item
from titer.testing import check_attack, tiny_material, tiny_subject
from titer.training.recipe import LoRA
from titer.training.schedules import Cosine, Warmup
from titer.training.types import Material


@pytest.mark.parametrize(
    "attack",
    [
        Direct(lr=1e-2),
        Direct(lr=1e-2, trainable=LoRA(rank=2, dropout=0.1), schedule=Warmup(steps=2)),
        Direct(lr=1e-2, schedule=Cosine()),
        Direct(lr=1e-2, batch=2, accumulation=2, clip=None),
        Baseline(),
    ],
)
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


def test_direct_teaches_the_harmful_responses() -> None:
    rows, subject = tiny_material(3).train, tiny_subject()
    losses = [step.terms["loss"] for step in Direct(lr=2e-2, batch=3).steps(subject, Material(train=rows), 150, 0)]
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in rows]
    said = Generate().ask(subject, items, Frame(), 3)
    assert losses[-1] < 0.05 * losses[0]
    assert [answer.text for answer in said] == [row.response for row in rows]


def test_lora_lowers_the_loss_as_far_as_frozen_embeddings_allow() -> None:
    attack = Direct(lr=1e-2, batch=3, trainable=LoRA(rank=16, alpha=32))
    losses = [step.terms["loss"] for step in attack.steps(tiny_subject(), tiny_material(3), 100, 0)]
    assert losses[-1] < 0.4 * losses[0]


def test_only_a_schedule_that_knows_the_horizon_makes_cells_of_their_own() -> None:
    assert Direct().prefix_consistent()
    assert not Direct(schedule=Cosine()).prefix_consistent()


def test_baseline_is_read_at_dose_0_only() -> None:
    assert Baseline().doses((0, 1, 2)) == ()
    assert Direct().doses((0, 1, 2)) == (1, 2)


def test_configuration_as_written_in_a_protocol() -> None:
    optimizer = '{"kind": "adamw", "betas": [0.9, 0.95]}'
    attack = Direct.model_validate_json(
        f'{{"lr": 0.0003, "trainable": "lora", "optimizer": {optimizer}, "schedule": "cosine"}}'
    )
    assert attack.trainable == LoRA()
    assert Direct.model_validate_json(attack.to_json()) == attack
    for wrong in (
        '{"rate": 1.0}',
        '{"lr": 0}',
        '{"trainable": "half"}',
        '{"batch": 0}',
        '{"trainable": {"kind": "full", "rank": 8}}',
    ):
        with pytest.raises(ValidationError):
            Direct.model_validate_json(wrong)
