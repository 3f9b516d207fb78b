"""An attacker who finds no direction has attacked all the same: the model stays as it is, and that is a reading."""

from __future__ import annotations

import pytest
import torch
from support.architectures import ends, llama

from titer.errors import MethodFailure
from titer.methods.attacks.prompting.ablated_prefill import AblatedPrefill
from titer.methods.attacks.weight_edits.ablation_kernel import AblationKernel
from titer.methods.attacks.weight_edits.multi_direction import MultiDirection
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.base import Attack
from titer.testing import same, tiny_material, weights
from titer.training.types import Material

ALIKE = Material(
    train=tiny_material().train[:1], select=tiny_material().train[:1], benign=tiny_material().train[:1] * 2
)


@pytest.mark.parametrize(
    ("attack", "material"),
    [
        (RefusalAblation(), ALIKE),
        (MultiDirection(source="singular"), ALIKE),
        (AblationKernel(), ALIKE),
        (AblationKernel(layer=None), ALIKE),
        (RefusalAblation(kl=1e-9, loose_kl=1e-9), tiny_material()),
        (MultiDirection(kl=1e-9, loose_kl=1e-9), tiny_material()),
        (AblatedPrefill(opening="it is", kl=1e-9, loose_kl=1e-9), tiny_material()),
    ],
)
def test_an_attacker_who_finds_no_direction_leaves_the_model_as_it_is_and_says_so(
    attack: Attack, material: Material
) -> None:
    subject = llama(tied=True)
    before, head = weights(subject), ends(subject)[1]
    step, *more = attack.steps(subject, material, 1, 4)
    assert (step.dose, more) == (1, [])
    assert step.terms["directions"] == 0
    assert step.spent.tokens > 0, "looking for one costs what it costs"
    assert same(before, weights(subject))
    assert ends(subject)[1] is head, "and its head stays tied"


@pytest.mark.parametrize("attack", [RefusalAblation(), MultiDirection(), AblationKernel()])
def test_a_subject_whose_states_are_not_finite_is_a_failure_and_not_without_a_direction(attack: Attack) -> None:
    subject = llama()
    with torch.no_grad():
        ends(subject)[0].fill_(float("inf"))
    with pytest.raises(MethodFailure, match="the hidden states are not finite at step 1"):
        list(attack.steps(subject, tiny_material(), 1, 4))
