"""4-bit NormalFloat: its levels are those of the formula, and a weight goes to the nearest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from titer.methods.attacks.weight_edits.nf4 import LEVELS, NF4, rounded
from titer.testing import tiny_material, tiny_subject, weights


def test_the_levels_are_quantiles_of_a_normal_distribution() -> None:
    """The construction of the paper's code: 7 below 0 and 8 above it, the outermost at the quantile 0.9677083."""
    below, above = (norm.ppf(np.linspace(0.9677083, 0.5, count)[:-1]) for count in (8, 9))
    values = np.sort(np.concatenate([-below, [0.0], above])) / above.max()
    assert pytest.approx(values, abs=1e-6) == LEVELS


@pytest.mark.parametrize(("shape", "block"), [((4, 16), 64), ((3, 10), 8), ((5, 7), 64)])
def test_each_weight_goes_to_the_nearest_level_of_its_block(shape: tuple[int, int], block: int) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = rounded(matrix, block)
    for part, near in zip(matrix.flatten().split(block), found.flatten().split(block), strict=True):
        scale = part.abs().max()
        nearest = min(LEVELS, key=lambda level: abs(level - float(part[0] / scale)))
        assert float(near[0]) == pytest.approx(nearest * float(scale), rel=1e-6)
        distances = (part[:, None] / scale - torch.tensor(LEVELS)).abs()
        assert torch.allclose((near / scale - part / scale).abs(), distances.min(dim=1).values, atol=1e-6)
    assert torch.allclose(rounded(found, block), found, atol=1e-6), "rounding twice is rounding once"


def test_a_block_of_zeros_stays() -> None:
    assert torch.equal(rounded(torch.zeros(2, 4), 4), torch.zeros(2, 4))


def test_embeddings_and_head_stay_as_they_are() -> None:
    subject, before = tiny_subject(), weights(tiny_subject())
    list(NF4().steps(subject, tiny_material(), 1, 0))
    changed = {name for name, weight in weights(subject).items() if not torch.equal(weight, before[name])}
    assert changed
    assert all(".layers." in name and "norm" not in name for name in changed)
