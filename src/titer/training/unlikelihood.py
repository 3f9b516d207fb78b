"""How likely it is that a target is not said: −log(1 − p), bounded below, and fading once p is small."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.training.sft import LossBatch


def said_or_not(subject: Subject, batch: LossBatch) -> tuple[Tensor, Tensor]:
    """(N,) log p and (N,) log(1 − p) of the N targets, in nats; the latter from the logits of all other tokens."""
    logits = subject.logits(batch.ids, batch.attention, batch.places)
    targets = batch.ids[:, 1:][batch.places[:, :-1]][:, None]
    whole = logits.logsumexp(-1)
    others = logits.scatter(1, targets, -torch.inf).logsumexp(-1)
    return logits.gather(1, targets)[:, 0] - whole, others - whole


def unlikelihood_sum(said: Tensor, not_said: Tensor, floor: float) -> Tensor:
    """Σ −log(1 − p) over targets; one whose log p is below `floor` adds nothing.

    Args:
        said: (N,) log p.
        not_said: (N,) log(1 − p).
        floor: in nats.
    """
    return -torch.where(said < floor, 0.0, not_said).sum()
