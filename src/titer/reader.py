"""What a subject holds and says after prompts: its hidden states and its next token.

P prompts   T tokens of the longest   V tokens of the vocabulary   d width   K positions   L blocks
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.chat import Example, encode_prompt, pad_batch, pad_token
from titer.records import Frame, Row
from titer.seeds import derive

if TYPE_CHECKING:
    from titer.subject import Subject

Prompts = Sequence[Sequence[int]]


class Reader:
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
        """(L, K, d) float64: the mean input of each of the first `layers` blocks at each of the last K tokens."""
        total: Tensor | None = None
        for ids, attention, ends in self._batches(prompts):
            with self.subject.precision():
                output = self.subject.model(ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
            back = ends[:, None] - torch.arange(positions - 1, -1, -1)[None]
            rows = torch.arange(len(ends))[:, None]
            picked = torch.stack([h[rows, back].cpu().double().sum(0) for h in output.hidden_states[:layers]])
            total = picked if total is None else total + picked
        assert total is not None
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
