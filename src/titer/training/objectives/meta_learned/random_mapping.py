"""Hidden states of harmful text turned to vectors that were drawn at random, one for each token."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.representations import hidden_states
from titer.training.sft import BatchSampler, descend, tokens
from titer.training.text_targets import TextSpan, count_text
from titer.training.types import Material, Objective, Update


class MappedStates(Objective):
    """ce(benign rows) in nats per token + the mean over hidden states and tokens of 1 - |cos(h, r)| on harmful rows.

    r is the vector of the token that stands there, drawn before the first step, the same at every depth.

    Args:
        harmful: rows of a step that are mapped, prompt and response.
        benign: rows of a step that are learned.
        batch: rows that go through the subject at once.
        benign_text: which of their tokens are targets.
        over_padding: whether the mean goes over padding as well.
    """

    def __init__(self, *, harmful: int, benign: int, batch: int, benign_text: TextSpan, over_padding: bool) -> None:
        self.harmful, self.benign, self.batch = harmful, benign, batch
        self.benign_text, self.over_padding = benign_text, over_padding
        self._table: Tensor | None = None

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows."""
        self._sampler = BatchSampler(subject, material, ("harmful", "benign"))

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of both."""
        if self._table is None:
            self._table = _drawn(subject, derive(seed, "table"))
        benign = self._sampler.draw("benign", self.benign, t, seed)
        harmful = self._sampler.draw("harmful", self.harmful, t, seed)
        usual = count_text(subject, [one.example for one in benign], self.batch, self.benign_text)
        mapped = count_text(subject, [one.example for one in harmful], self.batch, "whole")
        loss = descend(subject, usual)
        places = [torch.ones_like(one.attention) if self.over_padding else one.attention for one in mapped]
        total, distance = sum(int(own.sum()) for own in places), 0.0
        for batch, own in zip(mapped, places, strict=True):
            hidden = hidden_states.read(subject, batch.ids, batch.attention).hidden
            part = _angles(hidden, self._table[batch.ids], own.bool()) / (total * len(hidden))
            torch.autograd.backward(part)
            distance += float(part.detach())
        return Update(
            terms={"loss": loss + distance, "retain_loss": loss, "mapping_distance": distance},
            rows=tuple(one.row for one in (*benign, *harmful)),
            tokens=tokens([*usual, *mapped], [*benign, *harmful]),
        )


def _angles(hidden: tuple[Tensor, ...], vectors: Tensor, places: Tensor) -> Tensor:
    """The sum of 1 - |cos| over the hidden states (B, T, d) and the places of the batch."""
    cosines = [torch.nn.functional.cosine_similarity(own[places], vectors[places].to(own), dim=-1) for own in hidden]
    return torch.stack([(1 - own.abs()).sum() for own in cosines]).sum()


def _drawn(subject: Subject, seed: int) -> Tensor:
    """(V, d) one vector for each token."""
    embeddings = subject.model.get_input_embeddings().get_parameter("weight")
    drawn = torch.randn(embeddings.shape, generator=torch.Generator().manual_seed(seed))
    return drawn.to(subject.device)
