"""Fifty steps of each defense come to nothing that is not finite, in float32; some of their losses are unbounded."""

from __future__ import annotations

import math

import pytest

from titer.methods import registry
from titer.records import Choice
from titer.testing import tiny_material, tiny_subject, weights
from titer.training.recipe import Training


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, own in registry.DEFENSES.items() if issubclass(own, Training)])
def test_losses_and_weights_are_finite_for_fifty_steps(name: str) -> None:
    defense = registry.defense(Choice(name=name, parameters={**registry.DEFENSES[name].example, "train_steps": 50}))
    subject, doses = tiny_subject(), []
    for step in defense.steps(subject, tiny_material(), 1, None):
        doses.append(step.dose)
        assert all(math.isfinite(value) for value in step.terms.values()), (step.dose, step.terms)
    assert doses == list(range(1, 51))
    assert all(own.isfinite().all() for own in weights(subject).values())
