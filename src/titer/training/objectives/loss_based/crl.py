"""Triplet loss on hidden states: safe ones stay where they were, unsafe ones gather and leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize, relu

from titer.models.subject import Subject
from titer.training.objectives.loss_based.sorted_rows import SortedObjective
from titer.training.representations.divergence import TEMPERATURE, divergence
from titer.training.representations.reference import Reference
from titer.training.representations.safe_unsafe import Sorted, response_states

Distance = Literal["norm", "cosine"]
"""‖x − y‖, or 1 − cos(x, y)."""


@dataclass(frozen=True, kw_only=True)
class Triplets:
    """The margin and the two distances of a hinge: relu(d_positive − d_negative + margin)."""

    margin: float
    positive: Distance
    negative: Distance

    def loss(self, own: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The mean over states (N, d)."""
        near, far = distance(self.positive, own, positive), distance(self.negative, own, negative)
        return relu(near - far + self.margin).mean()


class Triplet(SortedObjective):
    """alpha · safe + beta · unsafe + epsilon · KL, the mean over the batches of a step.

    Safe states are to be nearer to what they were than to μ, the mean unsafe state of their layer, at every layer;
    unsafe ones nearer to μ than to what they were, at the layers `targets`. μ has a gradient.

    Args:
        batch: B of `Sorted`.
        batches: how many batches make a step.
        weights: alpha, beta and epsilon.
        safe: the hinge of safe states.
        unsafe: that of unsafe ones.
        targets: the hidden states of the unsafe hinge.
        sums_tokens: whether KL is divided by rows only, else by tokens.
    """

    def __init__(
        self,
        *,
        batch: int,
        batches: int,
        weights: tuple[float, float, float],
        safe: Triplets,
        unsafe: Triplets,
        targets: tuple[int, ...],
        sums_tokens: bool,
    ) -> None:
        super().__init__(batch=batch, batches=batches)
        self.weights = weights
        self.safe, self.unsafe, self.targets = safe, unsafe, targets
        self.sums_tokens = sums_tokens

    def _descend(self, subject: Subject, reference: Reference, part: Sorted) -> dict[str, float]:
        alpha, beta, epsilon = self.weights
        with reference.reading() as frozen:
            safe_before, unsafe_before = response_states(frozen, part.safe), response_states(frozen, part.unsafe)
        safe, unsafe = response_states(subject, part.safe), response_states(subject, part.unsafe)
        means = [own.mean(0) for own in unsafe]
        kept = [self.safe.loss(*own) for own in zip(safe, safe_before, means, strict=True)]
        gathered = [self.unsafe.loss(unsafe[i], means[i], unsafe_before[i]) for i in self.targets]
        safe_loss, unsafe_loss = torch.stack(kept).mean(), torch.stack(gathered).mean()
        torch.autograd.backward((alpha * safe_loss + beta * unsafe_loss) / self.batches)
        tokens = len(part.retained.ids) if self.sums_tokens else int(part.retained.attention.sum())
        kl = divergence(subject, reference, part.retained, TEMPERATURE) / tokens
        torch.autograd.backward(epsilon * kl / self.batches)
        total = alpha * safe_loss + beta * unsafe_loss + epsilon * kl
        norm = torch.stack([unsafe_before[i].norm(dim=-1).median() for i in self.targets]).mean()
        found = {"loss": total, "safe_loss": safe_loss, "unsafe_loss": unsafe_loss, "kl": kl, "hidden_norm": norm}
        return {name: float(own.detach()) for name, own in found.items()}


def distance(kind: Distance, one: Tensor, other: Tensor) -> Tensor:
    """(N,) distances between states (N, d), or between each and one state (d,)."""
    if kind == "norm":
        lengths: Tensor = torch.linalg.vector_norm(one - other, dim=-1)
        return lengths
    return 1 - (normalize(one, dim=-1) * normalize(other, dim=-1)).sum(-1)
