"""Refusing, and unlearning harmful responses, while hidden states are shifted toward harm as far as a ball allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from titer.heartbeat import beat
from titer.models.chat_format import Batch, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.representations import hidden_states
from titer.training.sft import (
    BatchSampler,
    LossBatch,
    RowSource,
    TrainRow,
    check_pairs,
    count_responses,
    descend,
    next_is,
    nll_sum,
    tokens,
)
from titer.training.types import Material, Objective, Update
from titer.training.unlikelihood import said_or_not, unlikelihood_sum

FLOOR = -5.0
"""The log p below which a target is unlearned no further."""

TINY = 1e-12
"""The length under which a shift counts as none."""


@dataclass(frozen=True, kw_only=True)
class ShiftAscent:
    """How shifts are sought: AdamW on weights.toward · ce(harmful) + away · unlikelihood(refusals), then projection.

    Attributes:
        steps: of AdamW, from shifts of zero.
        lr: its rate.
        epsilon: the longest that the shift of a token may be at a place.
        toward: the weight of the loss on harmful responses.
        away: the weight of the unlikelihood of refusals.
        responses: whether the tokens of responses are shifted, beside those of the prompt.
    """

    steps: int
    lr: float
    epsilon: float
    toward: float
    away: float
    responses: bool


@dataclass(frozen=True, kw_only=True)
class OuterDescent:
    """What the weights descend under the shifts; the three are divided by their sum.

    Attributes:
        steps: of the optimizer, with the same rows and shifts.
        toward: the weight of the loss on refusals.
        away: the weight of the unlikelihood of harmful responses.
        benign: the weight of the loss on benign rows, which are not shifted.
        last_only: whether only the last batch of a step is shifted.
        fresh_optimizer: whether the optimizer begins anew with new shifts.
    """

    steps: int
    toward: float
    away: float
    benign: float
    last_only: bool
    fresh_optimizer: bool


@dataclass(frozen=True)
class _Pairs:
    """One batch of pairs, padded alike, and the rows of the step that it has; `where` (B, T, 1) is 1 where shifted."""

    rows: slice
    harmful: LossBatch
    refusals: LossBatch
    where: Tensor


class LatentAdversarial(Objective):
    """Shifts δ of hidden states ascend, then the weights descend under them: Sheshadri et al. 2024, arXiv 2407.15549.

    One δ for each pair, at the embeddings and at the outputs of feed-forward parts, added for the harmful response and
    for the refusal alike. Means are over the targets of a step, however it is cut into batches.

    Args:
        pairs: harmful rows of a step, each with its refusal; as many benign rows are drawn.
        batch: pairs that go through the subject at once.
        depths: the blocks whose feed-forward output is shifted, as shares of the number of blocks.
        embeddings: whether the embeddings are shifted, too.
        ascent: how shifts are sought.
        descent: what is descended under them.
    """

    def __init__(
        self,
        *,
        pairs: int,
        batch: int,
        depths: Sequence[float],
        embeddings: bool,
        ascent: ShiftAscent,
        descent: OuterDescent,
    ) -> None:
        self.pairs, self.batch = pairs, batch
        self.depths, self.embeddings = depths, embeddings
        self.ascent, self.descent = ascent, descent
        self._sampler: BatchSampler | None = None
        self._places: list[nn.Module] = []
        self._shifts: list[Tensor] = []

    def prepare(self, subject: Subject, material: Material) -> None:
        """Find the places, at which nothing is shifted yet."""
        blocks = hidden_states.mlps(subject)
        self._places = [subject.model.get_input_embeddings()] if self.embeddings else []
        self._places += [blocks[place] for place in sorted({int(depth * len(blocks)) for depth in self.depths})]
        self._shifts = [torch.zeros(0) for _ in self._places]

    def restarts_optimizer(self, t: int) -> bool:
        """At the first step of a round."""
        return self.descent.fresh_optimizer and t % self.descent.steps == 0

    def state(self) -> dict[str, Tensor]:
        """The shifts of the round, by place: (pairs, T, d)."""
        return {f"shift{place}": own for place, own in enumerate(self._shifts)}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Take the shifts back."""
        self._shifts = [state[f"shift{place}"] for place in range(len(self._places))]

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Seek shifts at the first step of a round; add the gradient under those of the round."""
        own = self.descent
        if self._sampler is None:
            parts: list[RowSource] = ["refusal", "harmful", "benign"] if own.benign else ["refusal", "harmful"]
            self._sampler = BatchSampler(subject, material, parts)
        turn, begins = divmod(t, own.steps)
        harmful = self._sampler.draw("harmful", self.pairs, turn, seed)
        refusals = self._sampler.draw("refusal", self.pairs, turn, seed)
        benign = self._sampler.draw("benign", self.pairs, turn, seed) if own.benign else []
        check_pairs(refusals, harmful)
        cut = _cut(subject, harmful, refusals, self.batch, self.ascent.responses)
        totals = (sum(one.harmful.targets for one in cut), sum(one.refusals.targets for one in cut))
        sought = 0
        if begins == 0:
            found = [self._seek(subject, one, totals) for one in cut]
            self._shifts = [torch.cat(parts) for parts in zip(*found, strict=True)]
            sought = self.ascent.steps
        kept = count_responses(subject, [one.example for one in benign], self.batch)
        terms = self._descend(subject, cut, kept, totals)
        learned = [*(one.refusals for one in cut), *(one.harmful for one in cut), *kept]
        read = [*refusals, *harmful] * (1 + sought)
        rows = tuple(one.row for one in (*refusals, *harmful, *benign))
        return Update(terms=terms, rows=rows, tokens=tokens(learned, [*read, *benign]))

    def _seek(self, subject: Subject, pairs: _Pairs, totals: tuple[int, int]) -> list[Tensor]:
        """By place the shifts of one batch, (B, T, d), 0 where nothing may be shifted."""
        how = self.ascent
        shifts = [hidden_states.no_shift(subject, pairs.harmful.ids).requires_grad_() for _ in self._places]
        optimizer = torch.optim.AdamW(shifts, lr=how.lr)
        for _ in range(how.steps):
            beat()
            with hidden_states.shifted(self._places, [own * pairs.where for own in shifts]):
                toward = nll_sum(subject, pairs.harmful) / totals[0]
                away = unlikelihood_sum(*said_or_not(subject, pairs.refusals), FLOOR) / totals[1]
            gradients = torch.autograd.grad(how.toward * toward + how.away * away, shifts)
            for own, gradient in zip(shifts, gradients, strict=True):
                own.grad = gradient
            optimizer.step()
            with torch.no_grad():
                for own in shifts:
                    own.mul_((how.epsilon / own.norm(dim=-1, keepdim=True).clamp_min(TINY)).clamp_max(1.0))
        return [(own * pairs.where).detach() for own in shifts]

    def _descend(
        self, subject: Subject, cut: Sequence[_Pairs], benign: Sequence[LossBatch], totals: tuple[int, int]
    ) -> dict[str, float]:
        """Add the gradient; the terms of the step, in nats per token but the length of the shifts."""
        how, harm, unlearned, refused = self.descent, 0.0, 0.0, 0.0
        whole = how.toward + how.away + how.benign
        for number, pairs in enumerate(cut):
            on = not how.last_only or number == len(cut) - 1
            shifts = [own[pairs.rows].to(subject.device) for own in self._shifts] if on else []
            with hidden_states.shifted(self._places if on else [], shifts):
                toward = nll_sum(subject, pairs.refusals) / totals[1]
                torch.autograd.backward(how.toward / whole * toward)
                said, not_said = said_or_not(subject, pairs.harmful)
                away = unlikelihood_sum(said, not_said, FLOOR) / totals[0]
                torch.autograd.backward(how.away / whole * away)
            refused += float(toward.detach())
            unlearned += float(away.detach())
            harm -= float(said.detach().sum()) / totals[0]
        terms = {"refusal_loss": refused, "harmful_unlikelihood": unlearned, "harmful_loss": harm}
        loss = (how.toward * refused + how.away * unlearned) / whole
        if benign:
            kept = descend(subject, benign, how.benign / whole)
            terms["benign_loss"], loss = kept * whole / how.benign, loss + kept
        where = torch.cat([one.where for one in cut])
        lengths = [float(own.norm(dim=-1).sum() / where.sum()) for own in self._shifts]
        return {"loss": loss, **terms, "shift_norm": sum(lengths) / max(1, len(lengths))}


def _cut(
    subject: Subject, harmful: Sequence[TrainRow], refusals: Sequence[TrainRow], batch: int, responses: bool
) -> list[_Pairs]:
    """The pairs of a step, padded to one length, in batches."""
    both = [one.example for one in (*harmful, *refusals)]
    padded, half = pad_batch(both, pad_token(subject.tokenizer), subject.device), len(harmful)
    said = padded.mask[:half] | padded.mask[half:]
    prompt = padded.attention[:half].bool() & padded.attention[half:].bool() & ~said
    where = (prompt | said if responses else prompt)[..., None].to(torch.get_default_dtype())
    found = []
    for start in range(0, half, batch):
        rows = slice(start, min(start + batch, half))
        others = slice(rows.start + half, rows.stop + half)
        found.append(_Pairs(rows, _counted(padded, rows), _counted(padded, others), where[rows]))
    return found


def _counted(padded: Batch, rows: slice) -> LossBatch:
    targets = padded.mask[rows, 1:]
    parts = {"prompt": 0, "response": int(targets.sum()), "padding": 0}
    return LossBatch(padded.ids[rows], padded.attention[rows], next_is(targets), 0, parts)
