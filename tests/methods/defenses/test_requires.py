"""What a defense says that it requires is all that it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from titer.methods import registry
from titer.methods.base import Defense
from titer.methods.requires import Need
from titer.records import Choice
from titer.testing import same, tiny_material, tiny_subject, weights
from titer.training.recipe import Training
from titer.training.types import Material

SHARING = [name for name, own in registry.DEFENSES.items() if "benign_share" in own.model_fields]


def only_required(defense: Defense) -> Material:
    """Tiny rows of the kinds that it requires, refusals only where it requires pairs."""
    wanted, material = defense.requires.rows, tiny_material()
    bare = tuple(row.model_copy(update={"refusal": None}) for row in material.harmful)
    harmful = material.harmful if Need.PAIRS in wanted else bare if Need.HARMFUL in wanted else ()
    return replace(
        material,
        harmful=harmful,
        benign=material.benign if wanted.get(Need.BENIGN) else (),
        train=material.train if Need.KNOWLEDGE in wanted else (),
        select=(),
    )


@pytest.mark.parametrize(
    ("name", "changed"),
    [(name, {}) for name, own in registry.DEFENSES.items() if issubclass(own, Training) and name not in SHARING]
    + [(name, {"benign_share": 0.5}) for name in SHARING]
    + [(name, {"benign_share": 0.0}) for name in SHARING if name != "deep_refusal"],
)
def test_a_defense_trains_on_what_it_requires_and_no_more(name: str, changed: dict[str, Any]) -> None:
    defense = registry.defense(Choice(name=name, parameters={**registry.DEFENSES[name].example, **changed}))
    subject = tiny_subject()
    for _ in defense.steps(subject, only_required(defense), 3, None):
        pass
    assert not same(weights(subject), weights(tiny_subject()))
