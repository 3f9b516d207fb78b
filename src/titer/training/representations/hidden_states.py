"""What goes on inside a subject while it reads: hidden states, outputs of modules, and shifts added to them.

B rows   T tokens   d width   V vocabulary   L blocks
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from titer.errors import InputError
from titer.models import modules
from titer.models.chat_format import Batch
from titer.models.subject import Subject


@dataclass(frozen=True)
class Reading:
    """One pass: the L + 1 hidden states (B, T, d), and the logits (B, T, V), float32 or float64.

    Entry 0 of the hidden states is the embeddings, entry i the output of block i, counted from 1; the last is normed.
    """

    hidden: tuple[Tensor, ...]
    logits: Tensor


def read(subject: Subject, ids: Tensor, attention: Tensor) -> Reading:
    """Read tokens, with gradients if the context has them.

    Args:
        subject: in the mode that it is in.
        ids: (B, T) tokens.
        attention: (B, T), 0 on padding.
    """
    with subject.precision():
        output = subject.model(input_ids=ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
    return Reading(output.hidden_states, at_least_float32(output.logits))


def states(subject: Subject, batch: Batch) -> tuple[Tensor, ...]:
    """The hidden states alone, float32 or float64: no logits are made.

    Args:
        subject: in the mode that it is in.
        batch: what it reads.
    """
    with subject.precision():
        output = subject.model.base_model(
            input_ids=batch.ids, attention_mask=batch.attention, output_hidden_states=True, use_cache=False
        )
    return tuple(at_least_float32(own) for own in output.hidden_states)


def at_least_float32(tensor: Tensor) -> Tensor:
    """The same numbers, in float32 where they are less precise."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def mlps(subject: Subject) -> list[nn.Module]:
    """The module of each block whose output is what the feed-forward part writes to the residual stream, in order.

    Raises:
        InputError: if a block has none, or more than one.
    """
    return _writers(subject, modules.MLP_OUT)


def attentions(subject: Subject) -> list[nn.Module]:
    """The module of each block whose output is what the attention writes to the residual stream, in order.

    Raises:
        InputError: if a block has none, or more than one.
    """
    return _writers(subject, modules.ATTENTION_OUT)


@contextmanager
def outputs(watched: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """A list that the block's passes append to: the output of each module, as they run; the hooks go with the block."""
    found: list[Tensor] = []
    handles = [module.register_forward_hook(partial(_keep, found)) for module in watched]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def shifted(moved: Sequence[nn.Module], shifts: Sequence[Tensor]) -> Iterator[None]:
    """Each shift is added to the output of its module in the block's passes; the hooks go with the block.

    Args:
        moved: modules that return one tensor.
        shifts: one for each, of the shape of its output, with gradients if they are wanted.
    """
    pairs = zip(moved, shifts, strict=True)
    handles = [module.register_forward_hook(partial(_shift, shift)) for module, shift in pairs]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def no_shift(subject: Subject, ids: Tensor) -> Tensor:
    """(B, T, d) zeros, a shift of whatever is as wide as the model where it reads tokens (B, T)."""
    module: nn.Module = subject.model.get_input_embeddings()
    embeddings = module.get_parameter("weight")
    return torch.zeros(*ids.shape, embeddings.shape[1], dtype=embeddings.dtype, device=embeddings.device)


def _writers(subject: Subject, suffixes: tuple[str, ...]) -> list[nn.Module]:
    """Adapted modules count whole, with what their adapters add."""
    name, within = modules.blocks(subject.model)
    found = []
    for place, block in enumerate(within):
        own = [part for inner, part in block.named_modules() if inner.endswith(suffixes)]
        if len(own) != 1:
            problem = f"{name}.{place} has {len(own)} modules {' or '.join(suffixes)}, and one is needed"
            raise InputError("subject.model", problem, "Leave this defense out, or take another model.")
        found += own
    return found


def _keep(found: list[Tensor], module: nn.Module, args: Any, output: Tensor) -> None:
    found.append(output)


def _shift(shift: Tensor, module: nn.Module, args: Any, output: Tensor) -> Tensor:
    return output + shift.to(output.dtype)
