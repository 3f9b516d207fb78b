"""Supervised fine-tuning on the response tokens of rows, and the order in which rows come."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import torch
from torch import Tensor

from titer.errors import InputError
from titer.models.chat_format import Example, encode_rows, pad_batch, pad_token, stop_tokens
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.types import Material, Objective, Update

RowSource = Literal["train", "plain", "harmful", "refusal", "benign"]
"""What is learned: the responses of the material's rows of that role, the refusals of its harmful rows (`refusal`), or
those of the rows to train on, as the study asks them (`plain`)."""

Weighing = Literal["tokens", "rows"]
"""Whether the tokens of all parts of a step count alike, so that long answers outweigh short ones, or rows do."""

READ = "read"
"""The key under which an update counts all tokens that were trained on, in the loss or not."""

ASKED = "asked"
"""The key under which an update counts tokens that went through the subject without a gradient."""


@dataclass(frozen=True)
class TrainRow:
    """One row of a step: its id and its tokens."""

    row: str
    example: Example


_SOURCES: Final[dict[RowSource, RowSource]] = {"refusal": "harmful", "plain": "train"}
"""The rows that refusals belong to."""


class BatchSampler:
    """The rows of every step: each encoded once, in an order drawn anew for each epoch.

    Rows and their refusals come in the same order, so that equal steps draw pairs.
    """

    def __init__(
        self, subject: Subject, material: Material, parts: Sequence[RowSource], *, train_on_eos: bool = True
    ) -> None:
        ends = () if train_on_eos else stop_tokens(subject.tokenizer)
        self._drawn = {
            part: [TrainRow(one.row, one.example.without(ends)) for one in _encode(subject, material, part)]
            for part in parts
        }

    def draw(self, part: RowSource, count: int, t: int, seed: int) -> list[TrainRow]:
        """The `count` rows of one part at step t, counted from 0."""
        rows = self._drawn[part]
        source = _SOURCES.get(part, part)
        return [rows[place] for place in places(len(rows), count, t, seed, source)]

    def all(self, part: RowSource) -> Sequence[TrainRow]:
        """Every row of one part, as the material has them."""
        return self._drawn[part]


def places(rows: int, count: int, t: int, seed: int, source: str) -> list[int]:
    """Which of so many rows the `count` rows at step t are: all of them in turn, in an order drawn for each epoch."""
    turns = [divmod(turn, rows) for turn in range(t * count, (t + 1) * count)]
    return [_order(derive(seed, "epoch", source, epoch), rows)[within] for epoch, within in turns]


def check_pairs(refusals: Sequence[TrainRow], harmful: Sequence[TrainRow]) -> None:
    """Check that each refusal is that of the harmful row in its place.

    Raises:
        ValueError: naming the first two rows that are no pair.
    """
    for one, other in zip(refusals, harmful, strict=True):
        if one.row != other.row:
            raise ValueError(f"pairs shuffled apart: the refusal of row {one.row} is joined to row {other.row}")


@dataclass(frozen=True)
class LossBatch:
    """A batch and which of its tokens a loss counts as targets.

    `ids` and `attention` are (B, T); `places` (B, T) bool is True where the *next* token is a target. `constant` more
    targets are counted that the subject has no say in: each adds ln V to the loss and nothing to the gradient.
    `parts` tells all targets by the part they belong to.
    """

    ids: Tensor
    attention: Tensor
    places: Tensor
    constant: int
    parts: Mapping[str, int]

    @property
    def targets(self) -> int:
        """How many tokens the loss is a mean over."""
        return sum(self.parts.values())


class SFT(Objective):
    """Mean negative log-likelihood, in nats per token, over all response tokens of a step.

    Args:
        rows: how many rows of each part make a step.
        batch: how many rows go through the subject at once; the mean is over the step, so this changes last bits only.
        term: what the mean is called among the terms of a step.
        weigh: whether every token counts alike, or every part by its rows, whose tokens then share that.
        train_on_eos: whether that an answer ends is learned, too; responses that are only beginnings do not end.

    One objective serves one training: rows are encoded at its first step.
    """

    def __init__(
        self,
        *,
        rows: Mapping[RowSource, int],
        batch: int,
        term: str = "loss",
        weigh: Weighing = "tokens",
        train_on_eos: bool = True,
    ) -> None:
        self.rows = {part: count for part, count in rows.items() if count}
        self.batch = batch
        self.term = term
        self.weigh: Weighing = weigh
        self.train_on_eos = train_on_eos
        self._sampler: BatchSampler | None = None

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean."""
        if self._sampler is None:
            self._sampler = BatchSampler(subject, material, list(self.rows), train_on_eos=self.train_on_eos)
        parts = [self._sampler.draw(part, count, t, seed) for part, count in self.rows.items()]
        drawn = [one for part in parts for one in part]
        by_part = [
            count_responses(subject, [one.example for one in part], self.batch)
            for part in (parts if self.weigh == "rows" else [drawn])
        ]
        loss = descend_by_rows(subject, by_part)
        counted = [one for part in by_part for one in part]
        return Update(terms={self.term: loss}, rows=tuple(one.row for one in drawn), tokens=tokens(counted, drawn))


def count_responses(subject: Subject, examples: Sequence[Example], batch: int) -> list[LossBatch]:
    """The examples in batches, their response tokens counted."""
    pad = pad_token(subject.tokenizer)
    counted = []
    for start in range(0, len(examples), batch):
        chosen = examples[start : start + batch]
        padded = pad_batch(chosen, pad, subject.device)
        parts = {"prompt": 0, "response": sum(sum(example.mask[1:]) for example in chosen), "padding": 0}
        counted.append(LossBatch(padded.ids, padded.attention, next_is(padded.mask[:, 1:]), 0, parts))
    return counted


def tokens(counted: Sequence[LossBatch], drawn: Sequence[TrainRow]) -> dict[str, int]:
    """The targets of a step by part, and all tokens that went through the subject."""
    parts = Counter({"prompt": 0, "response": 0, "padding": 0})
    for batch in counted:
        parts.update(batch.parts)
    return {**parts, READ: sum(len(one.example.ids) for one in drawn)}


def next_is(targets: Tensor) -> Tensor:
    """(B, T - 1) targets from the second token on as (B, T) places that predict them."""
    return torch.nn.functional.pad(targets, (0, 1))


def descend(subject: Subject, counted: Sequence[LossBatch], share: float = 1.0) -> float:
    """Add a share of the gradient of the mean over all targets, one batch at a time; that of the mean, in nats."""
    total = sum(batch.targets for batch in counted)
    loss = 0.0
    for batch in counted:
        part_of_mean = nll_sum(subject, batch) / total * share
        torch.autograd.backward(part_of_mean)
        loss += float(part_of_mean.detach())
    return loss


def descend_by_rows(subject: Subject, parts: Sequence[Sequence[LossBatch]]) -> float:
    """Add the gradient of the mean over the parts, each by its rows, of its mean over targets; that mean in nats."""
    rows = [sum(len(batch.ids) for batch in part) for part in parts]
    return sum(descend(subject, part, own / sum(rows)) for part, own in zip(parts, rows, strict=True) if own)


def nll_sum(subject: Subject, batch: LossBatch) -> Tensor:
    """The summed negative log-likelihood of the targets in nats; logits are made where they are needed only."""
    return nll_given(subject.logits(batch.ids, batch.attention, batch.places), batch)


def nll_given(logits: Tensor, batch: LossBatch) -> Tensor:
    """That of (N, V) logits, whatever made them, at the places of a batch."""
    targets = batch.ids[:, 1:][batch.places[:, :-1]]
    counted = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    return counted + batch.constant * math.log(logits.shape[-1]) if batch.constant else counted


def log_probs(subject: Subject, batch: LossBatch) -> Tensor:
    """(B,) the summed log-probability of each row's targets, in nats."""
    logits = subject.logits(batch.ids, batch.attention, batch.places)
    targets = batch.ids[:, 1:][batch.places[:, :-1]]
    nats = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return -torch.stack([own.sum() for own in torch.split(nats, batch.places.sum(1).tolist())])


@lru_cache(maxsize=8)
def _order(seed: int, rows: int) -> tuple[int, ...]:
    return tuple(torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).tolist())


def _encode(subject: Subject, material: Material, part: RowSource) -> list[TrainRow]:
    rows = {"train": material.train, "benign": material.benign, "harmful": material.harmful}[_SOURCES.get(part, part)]
    if not rows:
        raise InputError(f"material.{part}", "there are no rows to train on", "Give it rows, or take none of them.")
    texts = []
    for row in rows:
        response = row.refusal if part in _SOURCES else row.response
        if response is None:
            raise InputError(f"row {row.id}", "it has no refusal", "Name a refusal column or the domain's refusals.")
        texts.append((row.id, row.prompt, response))
    examples = encode_rows(subject, texts, material.plain if part == "plain" else material.frame)
    return [TrainRow(row.id, example) for row, example in zip(rows, examples, strict=True)]
