"""Loss on refusals minus loss on the harmful responses to the same prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from titer.models.chat_format import Batch, Example, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.sft import (
    BatchSampler,
    LossBatch,
    RowSource,
    Weighing,
    check_pairs,
    count_responses,
    descend_by_rows,
    next_is,
    nll_sum,
    tokens,
)
from titer.training.types import Material, Objective, Update

IGNORED = 0
"""The label that masked_token_ce_loss, which marks what it ignores by 0, ignores for that reason too."""


class Contrast(Objective):
    """ce(refusals and benign rows) - weight · ce(harmful responses), both in nats per token; or the two exchanged.

    Args:
        pairs: harmful rows of a step, each with its refusal.
        benign: benign rows of a step, learned beside the refusals.
        batch: rows that go through the subject at once.
        weight: α, the factor of the harmful loss.
        mask: which targets count on the pairs; see `AdversarialLoss`. Benign rows count their response tokens.
        clamp: the harmful loss above which its gradient is left out; for this its batches are held in memory together.
        reverse: harmful responses are learned beside benign rows, and the loss on refusals is weighted and clamped.
        weigh: whether the tokens of refusals and benign rows count alike, or either by its rows.
    """

    def __init__(
        self,
        *,
        pairs: int,
        benign: int,
        batch: int,
        weight: float,
        mask: Literal["paired_difference", "response"],
        clamp: float | None,
        reverse: bool = False,
        weigh: Weighing = "tokens",
    ) -> None:
        self.pairs, self.benign, self.batch = pairs, benign, batch
        self.weight, self.mask, self.clamp = weight, mask, clamp
        self.reverse = reverse
        self.weigh: Weighing = weigh
        self._sampler: BatchSampler | None = None

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the good part, then of the harmful one."""
        if self._sampler is None:
            parts: list[RowSource] = ["refusal", "harmful", "benign"] if self.benign else ["refusal", "harmful"]
            self._sampler = BatchSampler(subject, material, parts)
        refusals = self._sampler.draw("refusal", self.pairs, t, seed)
        harmful = self._sampler.draw("harmful", self.pairs, t, seed)
        check_pairs(refusals, harmful)
        benign = self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        learned, opposed = (harmful, refusals) if self.reverse else (refusals, harmful)
        drawn = [*learned, *benign, *opposed]
        learning, bad = self._count(subject, *([one.example for one in part] for part in (learned, opposed, benign)))
        good = [batch for part in learning for batch in part]
        good_loss = descend_by_rows(subject, learning if self.weigh == "rows" else [good])
        bad_loss = self._ascend(subject, bad)
        names = ("harmful_loss", "refusal_loss") if self.reverse else ("refusal_loss", "harmful_loss")
        return Update(
            terms={"loss": good_loss - self.weight * bad_loss, names[0]: good_loss, names[1]: bad_loss},
            rows=tuple(one.row for one in drawn),
            tokens=tokens([*good, *bad], drawn),
        )

    def _count(
        self, subject: Subject, learned: list[Example], opposed: list[Example], benign: list[Example]
    ) -> tuple[list[list[LossBatch]], list[LossBatch]]:
        if self.mask == "response" and self.weigh == "tokens":
            good = count_responses(subject, [*learned, *benign], self.batch)
            return [good], count_responses(subject, opposed, self.batch)
        own = count_responses(subject, benign, self.batch)
        if self.mask == "response":
            return [count_responses(subject, learned, self.batch), own], count_responses(subject, opposed, self.batch)
        pairs = count_differences(subject, learned, opposed, self.batch)
        return [[one for one, _ in pairs], own], [other for _, other in pairs]

    def _ascend(self, subject: Subject, counted: Sequence[LossBatch]) -> float:
        total = sum(batch.targets for batch in counted)
        means = [nll_sum(subject, batch) / total for batch in counted]
        loss = sum(float(mean.detach()) for mean in means)
        if self.clamp is None or loss <= self.clamp:
            torch.autograd.backward([-self.weight * mean for mean in means])
        return loss


def count_differences(
    subject: Subject, refusals: Sequence[Example], harmful: Sequence[Example], batch: int, *, zeroed: bool = True
) -> list[tuple[LossBatch, LossBatch]]:
    """The pairs of a step, padded to one length and counted where their tokens differ, padding included, in batches.

    Args:
        subject: whose tokenizer they are padded by.
        refusals: the refusal of each pair.
        harmful: its harmful response.
        batch: how many pairs make a batch.
        zeroed: whether logits are zeroed where the token before does not differ, as the published code does.
    """
    padded = pad_batch([*refusals, *harmful], pad_token(subject.tokenizer), subject.device)
    half = len(refusals)
    differs = padded.ids[:half] != padded.ids[half:]
    pairs = []
    for start in range(0, half, batch):
        rows = slice(start, min(start + batch, half))
        others = slice(rows.start + half, rows.stop + half)
        both = (_cut(padded, rows), _cut(padded, others))
        pairs.append((_masked(both[0], differs[rows], zeroed), _masked(both[1], differs[rows], zeroed)))
    return pairs


def _cut(batch: Batch, rows: slice) -> Batch:
    return Batch(batch.ids[rows], batch.attention[rows], batch.mask[rows])


def _masked(batch: Batch, differs: Tensor, zeroed: bool) -> LossBatch:
    """The targets of masked_token_ce_loss: tokens that differ; logits are zeroed where the token before does not."""
    counts = differs[:, 1:] & (batch.ids[:, 1:] != IGNORED)
    seen = counts & differs[:, :-1] if zeroed else counts
    response, padding = counts & batch.mask[:, 1:], counts & (batch.attention[:, 1:] == 0)
    parts = {
        "prompt": int((counts & ~response & ~padding).sum()),
        "response": int(response.sum()),
        "padding": int(padding.sum()),
    }
    return LossBatch(batch.ids, batch.attention, next_is(seen), int((counts & ~seen).sum()), parts)
