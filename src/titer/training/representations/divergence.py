"""How far the subject's next-token distributions have gone from those of a reference."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.training.representations.reference import Reference

TEMPERATURE = 2.0
"""At which `crl` and `repbend` compare, in their code."""


def divergence(subject: Subject, reference: Reference, batch: Batch, temperature: float = 1.0) -> Tensor:
    """T² · Σ KL(p0 ‖ p) in nats, summed over all tokens of a batch, padding left out.

    Args:
        subject: p, with a gradient if the context has them.
        reference: p0.
        batch: what both read, prompts included.
        temperature: T, by which the logits of both are divided.
    """
    places = batch.attention.bool()
    with reference.reading() as frozen:
        before = frozen.logits(batch.ids, batch.attention, places) / temperature
    now = subject.logits(batch.ids, batch.attention, places) / temperature
    wanted = torch.log_softmax(before, -1)
    kl = torch.nn.functional.kl_div(torch.log_softmax(now, -1), wanted, reduction="sum", log_target=True)
    return kl * temperature**2
