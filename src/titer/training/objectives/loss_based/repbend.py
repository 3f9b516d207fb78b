"""Hidden states of safe responses stay, those of unsafe ones are driven off, and harmful requests become alike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import normalize

from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.training.objectives.loss_based.sorted_rows import SortedObjective
from titer.training.representations.divergence import TEMPERATURE, divergence
from titer.training.representations.hidden_states import states
from titer.training.representations.reference import Reference
from titer.training.representations.safe_unsafe import Sorted


class Bending(SortedObjective):
    """alpha · N_s - beta · N_u + gamma · C + epsilon · KL, the mean over the batches of a step.

    N_s is the mean of ‖h − h0‖ over all layers and response tokens of safe conversations, N_u that over the layers
    `targets` of unsafe ones, C the mean of 1 − cos between the last request tokens of every two unsafe conversations.

    Args:
        batch: B of `Sorted`.
        batches: how many batches make a step.
        weights: alpha, beta, gamma and epsilon.
        targets: the hidden states of N_u and C.
        cap: the N_u, in median norms of h0, above which its gradient is left out; None for never.
        sums_tokens: whether KL is divided by rows only, else by tokens.
    """

    def __init__(
        self,
        *,
        batch: int,
        batches: int,
        weights: tuple[float, float, float, float],
        targets: tuple[int, ...],
        cap: float | None,
        sums_tokens: bool,
    ) -> None:
        super().__init__(batch=batch, batches=batches)
        self.weights, self.targets = weights, targets
        self.cap, self.sums_tokens = cap, sums_tokens

    def _descend(self, subject: Subject, reference: Reference, part: Sorted) -> dict[str, float]:
        alpha, beta, gamma, epsilon = self.weights
        with reference.reading() as frozen:
            safe_before, unsafe_before = states(frozen, part.safe), states(frozen, part.unsafe)
        safe_norm = _moved(states(subject, part.safe), safe_before, part.safe, tuple(range(len(safe_before))))
        torch.autograd.backward(alpha * safe_norm / self.batches)
        unsafe = states(subject, part.unsafe)
        unsafe_norm = _moved(unsafe, unsafe_before, part.unsafe, self.targets)
        alike = torch.stack([unlikeness(_last_request(unsafe[i], part.unsafe)) for i in self.targets]).mean()
        norms = torch.stack([vector_norm(unsafe_before[i][part.unsafe.mask], dim=-1).median() for i in self.targets])
        norm = norms.mean()
        driven = unsafe_norm
        if self.cap is not None and float(unsafe_norm.detach()) > self.cap * float(norm):
            driven = unsafe_norm.detach()
        torch.autograd.backward((gamma * alike - beta * driven) / self.batches)
        tokens = len(part.retained.ids) if self.sums_tokens else int(part.retained.attention.sum())
        kl = divergence(subject, reference, part.retained, TEMPERATURE) / tokens
        torch.autograd.backward(epsilon * kl / self.batches)
        total = alpha * safe_norm - beta * unsafe_norm + gamma * alike + epsilon * kl
        found = {"loss": total, "safe_norm": safe_norm, "unsafe_norm": unsafe_norm, "unlikeness": alike, "kl": kl}
        return {name: float(own.detach()) for name, own in {**found, "hidden_norm": norm}.items()}


def unlikeness(vectors: Tensor) -> Tensor:
    """The mean of 1 − cos over every two of the vectors (n, d), n at least 2."""
    directions = normalize(vectors, dim=-1)
    n = len(vectors)
    cosines = directions @ directions.T
    return 1 - (cosines.sum() - cosines.diagonal().sum()) / (n * (n - 1))


def _moved(now: tuple[Tensor, ...], before: tuple[Tensor, ...], batch: Batch, layers: tuple[int, ...]) -> Tensor:
    """The mean of ‖h − h0‖ over layers and response tokens."""
    return torch.stack([vector_norm((now[i] - before[i])[batch.mask], dim=-1).mean() for i in layers]).mean()


def _last_request(own: Tensor, batch: Batch) -> Tensor:
    """(B, d) the states at the token before each response."""
    last = batch.mask.int().argmax(1) - 1
    return own[torch.arange(len(own), device=own.device), last]
