"""Derived seeds depend on their labels alone, and borrowed generators are given back."""

from __future__ import annotations

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from titer.models.randomness import scoped
from titer.seeds import derive

LABEL = st.integers() | st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]))


@given(st.integers(), st.lists(LABEL, max_size=4), st.lists(LABEL, max_size=4))
def test_two_lists_of_labels_give_two_seeds(root: int, one: list[str | int], other: list[str | int]) -> None:
    equal = derive(root, *one) == derive(root, *other)
    assert equal == ([(type(label), label) for label in one] == [(type(label), label) for label in other])


@given(st.integers(), st.lists(LABEL, max_size=4))
def test_a_seed_fits_every_generator(root: int, labels: list[str | int]) -> None:
    assert 0 <= derive(root, *labels) < 2**63
    torch.Generator().manual_seed(derive(root, *labels))


def test_seeds_are_the_same_in_every_process() -> None:
    code = "from titer.seeds import derive; print(derive(7, 'batch', 3))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == derive(7, "batch", 3)


def test_a_scoped_block_is_seeded_and_leaves_the_global_generator_as_it_was() -> None:
    before = torch.random.get_rng_state()
    with scoped(3):
        first = torch.rand(4)
    with scoped(3):
        assert torch.equal(torch.rand(4), first)
    with scoped(4):
        assert not torch.equal(torch.rand(4), first)
    assert torch.equal(torch.random.get_rng_state(), before)
