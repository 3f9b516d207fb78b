"""Known values of the discrepancy by which representation noising tells hidden states from noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from titer.training.objectives.loss_based.repnoise import mmd


def drawn(rows: int, seed: int, width: int = 4000) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_of_one_vector_each_it_is_a_constant(scale: float) -> None:
    assert float(mmd(scale * drawn(1, 0, 7), drawn(1, 1, 7))) == pytest.approx(6.1863, abs=1e-4)


def test_of_a_set_and_itself_it_is_0() -> None:
    one = drawn(4, 0, 7)
    assert float(mmd(one, one.clone())) == pytest.approx(0, abs=1e-12)


def test_it_is_symmetric() -> None:
    one, other = drawn(3, 0, 5), 2 * drawn(3, 1, 5)
    assert float(mmd(one, other)) == pytest.approx(float(mmd(other, one)), rel=1e-12)


@pytest.mark.parametrize(("rows", "floor", "silent"), [(4, 1.547, 3.28), (8, 0.773, 2.80), (16, 0.387, 2.56)])
def test_equal_distributions_have_its_floor_and_silence_more(rows: int, floor: float, silent: float) -> None:
    noise = drawn(rows, 1)
    assert float(mmd(drawn(rows, 0), noise)) == pytest.approx(floor, abs=0.02)
    assert floor == pytest.approx(2 * (5 - 1.9069) / rows, abs=1e-3)
    assert float(mmd(torch.zeros_like(noise), noise)) == pytest.approx(silent, abs=0.02)
