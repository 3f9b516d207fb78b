"""Noise relative to each matrix, and the same noise dosed by distance."""

from __future__ import annotations

import pytest

from titer.methods.defenses.controls.random_displacement import RandomDisplacement
from titer.methods.defenses.controls.weight_noise import WeightNoise
from titer.models.modules import matrices
from titer.testing import tiny_material, tiny_subject, weights


@pytest.mark.parametrize("sigma", [0.01, 0.5])
def test_each_matrix_moves_by_its_share_and_nothing_else_moves(sigma: float) -> None:
    subject = tiny_subject()
    before = {name: own.clone() for name, own in matrices(subject.model).items()}
    (step,) = WeightNoise(sigma=sigma).steps(subject, tiny_material(), 0, None)
    assert (step.dose, step.spent.tokens) == (1, 0)
    after = matrices(subject.model)
    for name, own in before.items():
        assert float((after[name] - own).norm() / own.norm()) == pytest.approx(sigma, rel=0.15)
    whole, rest = weights(subject), weights(tiny_subject())
    still = [name for name in rest if name.removesuffix(".weight") not in before]
    assert still
    assert all(bool((whole[name] == rest[name]).all()) for name in still)


def test_it_is_the_noise_of_the_displacement_control_in_another_dose() -> None:
    noisy, displaced = tiny_subject(), tiny_subject()
    origin = noisy.snapshot()
    list(WeightNoise(sigma=0.1).steps(noisy, tiny_material(), 4, None))
    moved = noisy.displacement(origin)
    assert 0 < moved < 0.1
    list(RandomDisplacement(displacement=moved).steps(displaced, tiny_material(), 4, None))
    assert noisy.displacement(displaced.snapshot()) < 1e-6
