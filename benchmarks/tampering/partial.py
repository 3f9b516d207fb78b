"""The partial state that an interrupted make resumes from, with one bit of it flipped."""

from __future__ import annotations

import random
from pathlib import Path

from titer.errors import DamagedError
from titer.execution.checkpoints import PartialState
from titer.testing import tiny_subject
from titer.training.types import State, Step


def flipped_bits(folder: Path, bits: int, seed: int) -> list[str]:
    """Flip so many bits of a partial state, one at a time; those that went unnoticed.

    Args:
        folder: where the state is written.
        bits: how many.
        seed: draws them.
    """
    partial = PartialState(folder / "make.safetensors")
    partial.pause = 0.0
    weights = {name: weight.detach() for name, weight in tiny_subject().model.named_parameters()}
    state = State(step=7, tensors=weights)
    partial.write_if_due(Step(dose=7, state=lambda: state))
    whole, draw, unnoticed = partial.path.read_bytes(), random.Random(seed), []
    for _ in range(bits):
        place, bit = draw.randrange(len(whole)), draw.randrange(8)
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        partial.path.write_bytes(changed)
        try:
            partial.read()
            unnoticed.append(f"partial state: bit {bit} of byte {place} is another, and nothing was said")
        except DamagedError as error:
            if str(partial.path) not in str(error):
                unnoticed.append(f"partial state: {error} does not name it")
    return unnoticed
