"""A subject that says what it is given, so that the slope of a loss can be read at its logits."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.testing import tiny_subject
from titer.training.sft import TrainRow


class GivenLogits(Subject):
    """Its logits are `said`, (B, T, V) leaves in float64 drawn from the seed 0, whatever it reads."""

    def __init__(self, rows: int, tokens: int, values: int) -> None:
        tiny = tiny_subject()
        super().__init__(tiny.model, tiny.tokenizer)
        drawn = torch.Generator().manual_seed(0)
        self.said = torch.randn(rows, tokens, values, dtype=torch.float64, generator=drawn).requires_grad_()

    def logits(self, ids: Tensor, attention: Tensor, places: Tensor) -> Tensor:
        """(N, V) of the places asked for."""
        return self.said[places]

    @property
    def slope(self) -> Tensor:
        """(B, T, V) what came to the logits."""
        assert self.said.grad is not None
        return self.said.grad


def row(ids: tuple[int, ...], prompt: int) -> TrainRow:
    """A conversation of such tokens, the first of them its prompt."""
    return TrainRow("row", Example(ids, tuple(place >= prompt for place in range(len(ids)))))
