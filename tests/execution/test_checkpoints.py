"""A partial state is what was written of this make, or it is not taken."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import torch

from titer.errors import DamagedError
from titer.execution.checkpoints import PartialState
from titer.training.types import State, Step

TENSORS = {
    "weights": torch.arange(24, dtype=torch.float32).reshape(4, 6),
    "moments": torch.arange(6, dtype=torch.bfloat16),
    "order": torch.tensor([3, 1, 2]),
    "steps": torch.tensor(7.0),
    "none": torch.empty(0),
}
STATE = State(step=17, tensors=TENSORS)


@pytest.fixture
def kept(tmp_path: Path) -> PartialState:
    """A state that was written."""
    return write(PartialState(tmp_path / "key.safetensors"), STATE)


def write(partial: PartialState, state: State) -> PartialState:
    partial.pause = 0.0
    partial.write_if_due(Step(dose=state.step, state=lambda: state))
    return partial


def expect_damaged(partial: PartialState) -> None:
    with pytest.raises(DamagedError, match="key.safetensors is truncated or was changed. Delete it and run again"):
        partial.read()


def test_a_state_is_read_as_it_was_written(kept: PartialState) -> None:
    state = kept.read()
    assert state is not None
    assert state.step == 17
    assert state.tensors.keys() == TENSORS.keys()
    for name, tensor in state.tensors.items():
        assert tensor.dtype == TENSORS[name].dtype
        assert tensor.shape == TENSORS[name].shape
        assert torch.equal(tensor, TENSORS[name])


def test_every_flipped_bit_is_noticed(kept: PartialState) -> None:
    """Of the length, the header, the metadata and the tensors: each byte of the file, at a bit drawn for it."""
    chance, whole = random.Random(1), kept.path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        kept.path.write_bytes(changed)
        expect_damaged(kept)
    kept.path.write_bytes(whole)
    assert kept.read() is not None


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, -1])
def test_a_truncated_or_emptied_state_is_noticed(kept: PartialState, size: int) -> None:
    kept.path.write_bytes(kept.path.read_bytes()[:size])
    expect_damaged(kept)


def test_the_state_of_another_make_is_noticed(kept: PartialState, tmp_path: Path) -> None:
    other = write(PartialState(tmp_path / "other.safetensors"), STATE)
    other.path.replace(kept.path)
    expect_damaged(kept)


def test_a_state_without_a_digest_is_not_taken(kept: PartialState) -> None:
    from safetensors.torch import save_file

    save_file(TENSORS, kept.path, metadata={"step": "17"})
    expect_damaged(kept)
    save_file(TENSORS, kept.path)
    expect_damaged(kept)


def test_once_it_is_deleted_the_make_begins_anew(kept: PartialState) -> None:
    kept.path.write_bytes(b"")
    kept.drop()
    assert kept.read() is None


def test_no_state_is_written_before_it_is_due(tmp_path: Path) -> None:
    partial = PartialState(tmp_path / "key.safetensors")
    partial.write_if_due(Step(dose=1, state=lambda: pytest.fail("too early")))
    partial.written = time.monotonic() - partial.pause
    partial.write_if_due(Step(dose=1))
    assert not partial.path.exists()
