"""A subject in float64 that has moved away from its reference, and the conversations that are sorted."""

from __future__ import annotations

import torch
from torch import Tensor

from support.float64 import flat_gradient, float64_subject
from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.testing import tiny_material
from titer.training.representations.safe_unsafe import SafeUnsafe, Sorted
from titer.training.types import Objective, Update

B = 3
MATERIAL = tiny_material(12)


def displaced(by: float) -> Subject:
    """The tiny subject with noise on every weight."""
    subject = float64_subject()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for own in subject.model.parameters():
            own.add_(by * torch.randn(own.shape, generator=generator, dtype=torch.float64))
    return subject


def run(objective: Objective, by: float = 0.05, t: int = 0) -> tuple[Update, Tensor]:
    """A step of a subject that moved by so much since the objective saw it: the update, and its gradient."""
    subject, moved = float64_subject(), displaced(by)
    objective.prepare(subject, MATERIAL)
    subject.model.load_state_dict(moved.model.state_dict())
    update = objective.backward(subject, MATERIAL, t, 1)
    return update, flat_gradient(subject)


def drawn(batch: int = B) -> Sorted:
    """What the first step of a training draws."""
    return SafeUnsafe(float64_subject(), MATERIAL, batch, 1).draw(0, 1)[0]


def hidden(subject: Subject, batch: Batch, layers: tuple[int, ...]) -> Tensor:
    """(layers, B, T, d) hidden states, 0 where no response is."""
    output = subject.model(input_ids=batch.ids, attention_mask=batch.attention, output_hidden_states=True)
    return torch.stack([output.hidden_states[i] for i in layers]) * batch.mask[..., None]


def transcribed_kl(subject: Subject, frozen: Subject, batch: Batch) -> Tensor:
    """_calc_kl_loss of AIM-Intelligence/RepBend at 8220c87 and of samuelsimko/crl-llm-defense at 3e177d2."""
    logits = []
    for own in (subject, frozen):
        output = own.model(input_ids=batch.ids, attention_mask=batch.attention)
        logits.append(output.logits * batch.attention[..., None] / 2)
    now, before = logits[0].log_softmax(-1), logits[1].softmax(-1).detach()
    return torch.nn.functional.kl_div(now, before, reduction="batchmean") * 4
