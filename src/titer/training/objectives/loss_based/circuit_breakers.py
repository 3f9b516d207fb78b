"""Hidden states of harmful conversations turn away from where they were, those of all others stay."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import cosine_similarity, relu

from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.gradients import norm, trained
from titer.training.representations.compared_rows import counted, padded
from titer.training.representations.hidden_states import states
from titer.training.representations.reference import Reference
from titer.training.sft import BatchSampler, RowSource
from titer.training.types import Material, Objective, Update


class Rerouting(Objective):
    """c_r · retain + c_s · reroute at step t, from 1: c_s = alpha · (1 − t/schedule), c_r = alpha · keep · t/schedule.

    Retain is the mean of ‖h − h0‖ over all layers and tokens of benign answers and refusals, reroute that of
    relu(cos(h, h0)) over the layers `targets` and tokens of harmful responses, prompts included in both.

    Args:
        harmful: harmful rows of a batch.
        refusals: refusals of a batch.
        benign: benign rows of a batch.
        batches: how many batches make a step, which is their mean.
        alpha: the strength of both.
        keep: the strength of the first beside that of the second.
        schedule: the steps after which c_s would be 0.
        targets: the hidden states that are turned.
        counts_padding: whether the retain mean is over padding, too, which adds 0.
        draws_start: whether the gradient of the first step, which is rounding and nothing else, is drawn instead; not
            without strength, where there is nothing to start.
    """

    def __init__(
        self,
        *,
        harmful: int,
        refusals: int,
        benign: int,
        batches: int,
        alpha: float,
        keep: float,
        schedule: int,
        targets: tuple[int, ...],
        counts_padding: bool,
        draws_start: bool,
    ) -> None:
        rows: dict[RowSource, int] = {"harmful": harmful, "refusal": refusals, "benign": benign}
        self.rows = {part: count for part, count in rows.items() if count}
        self.batches, self.alpha, self.keep, self.schedule = batches, alpha, keep, schedule
        self.targets, self.counts_padding, self.draws_start = targets, counts_padding, draws_start
        self._sampler: BatchSampler | None = None
        self._reference: Reference | None = None

    def prepare(self, subject: Subject, material: Material) -> None:
        """Keep the subject as it is, and encode the rows."""
        self._reference = Reference(subject)
        self._sampler = BatchSampler(subject, material, list(self.rows))

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of one batch after the other."""
        assert self._sampler is not None
        progress = min(1.0, (t + 1) / self.schedule)
        weights = (self.alpha * self.keep * progress, self.alpha * (1 - progress))
        sampler = self._sampler
        drawn = {part: sampler.draw(part, count * self.batches, t, seed) for part, count in self.rows.items()}
        found: Counter[str] = Counter()
        for number in range(self.batches):
            parts = {part: drawn[part][number * own : (number + 1) * own] for part, own in self.rows.items()}
            retained = [*parts.get("refusal", ()), *parts.get("benign", ())]
            terms = self._descend(subject, padded(subject, parts["harmful"]), padded(subject, retained), weights)
            found.update({name: own / self.batches for name, own in terms.items()})
        if self.draws_start and self.alpha and t == 0:
            _draw_gradient(subject, seed)
        rows = [one for part in drawn.values() for one in part]
        tokens = counted(rows, rows, prompts=True)
        coefficients = {"retain_coefficient": weights[0], "reroute_coefficient": weights[1]}
        return Update(terms={**found, **coefficients}, rows=tuple(one.row for one in rows), tokens=tokens)

    def _descend(
        self, subject: Subject, harmful: Batch, retained: Batch, weights: tuple[float, float]
    ) -> dict[str, float]:
        assert self._reference is not None
        with self._reference.reading() as frozen:
            kept_before, turned_before = states(frozen, retained), states(frozen, harmful)
        retain = self._retain(states(subject, retained), kept_before, retained)
        torch.autograd.backward(weights[0] * retain / self.batches)
        turned, seen = states(subject, harmful), harmful.attention.bool()
        cosines = [cosine_similarity(turned[i][seen], turned_before[i][seen], dim=-1) for i in self.targets]
        reroute = relu(torch.stack(cosines)).mean()
        torch.autograd.backward(weights[1] * reroute / self.batches)
        total = weights[0] * retain + weights[1] * reroute
        norms = torch.stack([vector_norm(turned_before[i][seen], dim=-1).median() for i in self.targets])
        found = {"loss": total, "retain_norm": retain, "reroute_cosine": reroute, "hidden_norm": norms.mean()}
        return {name: float(own.detach()) for name, own in found.items()}

    def _retain(self, now: tuple[Tensor, ...], before: tuple[Tensor, ...], batch: Batch) -> Tensor:
        seen = batch.attention.bool()
        summed = torch.stack(
            [vector_norm((own - was)[seen], dim=-1).sum() for own, was in zip(now, before, strict=True)]
        )
        return summed.mean() / (seen.numel() if self.counts_padding else seen.sum())


def _draw_gradient(subject: Subject, seed: int) -> None:
    """Put a gradient of norm 1 and of any direction in the place of what is there."""
    weights = trained(subject)
    drawn = {}
    for name, own in weights.items():
        generator = torch.Generator().manual_seed(derive(seed, "start", name))
        drawn[name] = torch.randn(own.shape, generator=generator).to(own)
    length = norm(drawn)
    for name, own in weights.items():
        own.grad = drawn[name] / length
