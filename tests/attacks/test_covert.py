"""Attacks that show no harmful row, or show it late: benign fine-tuning, and what comes in stages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from titer.attacks.benign import Benign
from titer.attacks.direct import Direct
from titer.interfaces import Attack, Material
from titer.recipe import Cosine, LoRA
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights


@pytest.mark.parametrize("attack", [Benign(lr=1e-2), Benign(lr=1e-2, trainable=LoRA(rank=2), schedule=Cosine())])
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


def test_benign_is_direct_on_benign_rows_and_sees_no_harmful_one() -> None:
    material, one, other = tiny_material(), tiny_subject(), tiny_subject()
    mine = list(Benign(lr=1e-2, batch=4).steps(one, replace(material, train=()), 5, 3))
    theirs = list(Direct(lr=1e-2, batch=4).steps(other, Material(train=material.benign), 5, 3))
    assert same(weights(one), weights(other))
    assert [step.terms["benign_loss"] for step in mine] == [step.terms["loss"] for step in theirs]
    assert all(row.startswith("b") for step in mine for row in step.rows)
    assert all("loss" not in step.terms for step in mine), "the control does not ask that it falls"
