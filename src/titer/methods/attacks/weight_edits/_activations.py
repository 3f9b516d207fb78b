"""What a subject holds and says after prompts: its hidden states and its next token.

P prompts   T tokens of the longest   V tokens of the vocabulary   d width   K positions   L blocks
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.errors import MethodFailure
from titer.models.chat_format import Example, encode_prompt, pad_batch, pad_token
from titer.models.modules import blocks
from titer.records import Frame, Row
from titer.seeds import derive
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject

Prompts = Sequence[Sequence[int]]
SAME = 1e-6
"""Means that differ by no more than this share of their length are the same but for rounding."""


class ActivationReader:
    """Asks the subject for its next token and its hidden states, in batches, and counts the tokens."""

    def __init__(self, subject: Subject, batch: int) -> None:
        self.subject = subject
        self.batch = batch
        self.tokens = 0

    def logits(self, prompts: Prompts) -> Tensor:
        """(P, V) float64 on the CPU, after the last token of each prompt."""
        found = []
        for ids, attention, ends in self._batches(prompts):
            places = torch.zeros_like(attention, dtype=torch.bool)
            places[torch.arange(len(ends)), ends] = True
            found.append(self.subject.logits(ids, attention, places).cpu().double())
        return torch.cat(found)

    def means(self, prompts: Prompts, layers: int, positions: int) -> Tensor:
        """(L, K, d) float64: the mean input of each of the first `layers` blocks at each of the last K tokens.

        Raises:
            MethodFailure: if they are not finite.
        """
        total: Tensor | None = None
        for ids, attention, ends in self._batches(prompts):
            with self.subject.precision():
                output = self.subject.model(ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
            back = ends[:, None] - torch.arange(positions - 1, -1, -1)[None]
            rows = torch.arange(len(ends))[:, None]
            picked = torch.stack([h[rows, back].cpu().double().sum(0) for h in output.hidden_states[:layers]])
            total = picked if total is None else total + picked
        assert total is not None
        if not bool(total.isfinite().all()):
            raise MethodFailure("the hidden states are not finite", 1)
        return total / len(prompts)

    def states(self, prompts: Prompts, block: int, position: int) -> Tensor:
        """(P, d) float64: the input of a block after each prompt, at a token counted from the end."""
        found = []
        for ids, attention, ends in self._batches(prompts):
            with self.subject.precision():
                output = self.subject.model(ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
            found.append(output.hidden_states[block][torch.arange(len(ends)), ends + 1 + position].cpu().double())
        return torch.cat(found)

    def _batches(self, prompts: Prompts) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        pad = pad_token(self.subject.tokenizer)
        for start in range(0, len(prompts), self.batch):
            chosen = [Example(tuple(ids), (False,) * len(ids)) for ids in prompts[start : start + self.batch]]
            padded = pad_batch(chosen, pad, self.subject.device)
            ends = torch.tensor([len(example.ids) - 1 for example in chosen])
            self.tokens += int(ends.sum()) + len(chosen)
            yield padded.ids, padded.attention, ends


def encoded(subject: Subject, rows: Sequence[Row], most: int, seed: int, frame: Frame) -> Prompts:
    """The prompts of at most so many rows, drawn."""
    drawn = sorted(rows, key=lambda row: derive(seed, "direction", row.id))[:most]
    return [encode_prompt(subject.tokenizer, row.prompt, frame) for row in drawn]


def differences_between_blocks(
    subject: Subject, material: Material, prompts: int, batch: int, seed: int
) -> tuple[Tensor, int]:
    """(L − 1, d), or (1, d) with one block: the difference of the mean states after the last token, between blocks.

    A place at which the two kinds of prompts cannot be told apart has none: there it is 0.

    Args:
        subject: is left as it was.
        material: harmful prompts in `train`, benign ones in `benign`.
        prompts: the most of each kind.
        batch: prompts that go through the subject at once.
        seed: draws the prompts, where there are more than are wanted.

    Returns:
        Unit vectors, and the tokens that were read.

    Raises:
        MethodFailure: if the states are not finite.
    """
    reader = ActivationReader(subject, batch)
    layers = len(blocks(subject.model)[1])
    kinds = (encoded(subject, rows, prompts, seed, material.frame) for rows in (material.train, material.benign))
    with subject.reading():
        harmful, benign = (reader.means(kind, layers, 1)[min(1, layers - 1) :, 0] for kind in kinds)
    found = harmful - benign
    lengths = found.norm(dim=1, keepdim=True)
    told = lengths > SAME * harmful.norm(dim=1, keepdim=True)
    return torch.where(told, found / lengths, 0.0), reader.tokens


def interpolated(units: Tensor, place: float) -> Tensor:
    """(d,) from (n, d): the one at a place, or the two nearest mixed in proportion where it lies between them."""
    low = min(int(place), len(units) - 1)
    high = min(low + 1, len(units) - 1)
    return torch.lerp(units[low], units[high], place - low)
