"""Loss on refusals while the outputs of a few attention modules are shifted, and the other blocks stand still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from titer.errors import MethodFailure
from titer.models import modules
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.objectives.perturbation.vaccine import Perturbed
from titer.training.representations import hidden_states
from titer.training.sft import BatchSampler, LossBatch, RowSource, count_responses, log_probs, tokens
from titer.training.types import Material, Update


class Targeted(Perturbed):
    """`Perturbed` at `layers` blocks only, drawn without replacement in proportion to how steep harm is there.

    The chance of a block is proportional to the mean over harmful rows of ‖∂ce(row)/∂e‖, e the output of its attention.
    Blocks that are not drawn stand still until the next drawing; what belongs to no block is trained throughout.

    Args:
        rows: how many rows of each part make a step.
        batch: rows that go through the subject at once.
        rho: the length of the shifts, over the drawn blocks together.
        layers: how many blocks are drawn.
        switch_every: steps from one drawing to the next.
        score_every: steps after which the chances are measured anew.
        scored_rows: harmful rows that they are measured on; all, where there are fewer.
        freeze: what stands still of a block that is not drawn: all of it, or its attention.
    """

    def __init__(
        self,
        *,
        rows: Mapping[RowSource, int],
        batch: int,
        rho: float,
        layers: int,
        switch_every: int,
        score_every: int,
        scored_rows: int,
        freeze: Literal["block", "attention"],
    ) -> None:
        super().__init__(rows=rows, batch=batch, rho=rho)
        self.layers, self.freeze = layers, freeze
        self.switch_every, self.score_every, self.scored_rows = switch_every, score_every, scored_rows
        self._harmful: BatchSampler | None = None
        self._chances = torch.zeros(0, dtype=torch.float64)
        self._drawn = torch.zeros(0, dtype=torch.int64)

    def places(self, subject: Subject) -> list[nn.Module]:
        """The attention outputs of the drawn blocks, in order."""
        found = hidden_states.attentions(subject)
        return [found[block] for block in self._drawn.tolist()]

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Measure and draw where it is time to, then add the gradient of the mean under the shifts."""
        harmful = self._measure(subject, material, t, seed) if t % self.score_every == 0 else None
        if t % self.switch_every == 0:
            self._drawn = drawn_blocks(self._chances, self.layers, derive(seed, "blocks", t))
        with _still(self._others(subject)):
            update = super().backward(subject, material, t, seed)
        if harmful is None:
            return update
        read = Counter(update.tokens)
        read.update(harmful.tokens)
        return Update(terms=update.terms, rows=(*update.rows, *harmful.rows), tokens=read)

    def state(self) -> dict[str, Tensor]:
        """The chances, and the blocks that were drawn last."""
        return {"chances": self._chances, "drawn": self._drawn}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Take both back."""
        self._chances, self._drawn = state["chances"], state["drawn"]

    def _measure(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Set the chances; which rows that took."""
        if self._harmful is None:
            self._harmful = BatchSampler(subject, material, ("harmful",))
        count = min(self.scored_rows, len(self._harmful.all("harmful")))
        rows = self._harmful.draw("harmful", count, t // self.score_every, derive(seed, "scored"))
        counted = count_responses(subject, [one.example for one in rows], self.batch)
        self._chances = steepness(subject, counted, hidden_states.attentions(subject))
        if not ((self._chances > 0) & self._chances.isfinite()).all():
            raise MethodFailure("the harmful gradient is zero or not finite", t + 1)
        return Update(terms={}, rows=tuple(one.row for one in rows), tokens=tokens(counted, rows))

    def _others(self, subject: Subject) -> list[nn.Parameter]:
        """What stands still: the weights that are trained elsewhere in the blocks than in those drawn."""
        drawn, found = set(self._drawn.tolist()), []
        for place, block in enumerate(modules.blocks(subject.model)[1]):
            whole = block if self.freeze == "block" else modules.attention_of(block)
            found += [] if place in drawn else [own for own in whole.parameters() if own.requires_grad]
        return found


def steepness(subject: Subject, counted: Sequence[LossBatch], places: Sequence[nn.Module]) -> Tensor:
    """(places,) sums over rows of ‖∂/∂e of the row's mean nats per token‖, e the output of a module; float64.

    Args:
        subject: in the mode that it is in; `.grad` is left alone.
        counted: the rows in batches.
        places: modules that return one tensor (B, T, d).
    """
    sums = torch.zeros(len(places), dtype=torch.float64)
    for batch in counted:
        zeros = [hidden_states.no_shift(subject, batch.ids).requires_grad_() for _ in places]
        with hidden_states.shifted(places, zeros):
            loss = -(log_probs(subject, batch) / batch.places.sum(1)).sum()
        for place, own in enumerate(torch.autograd.grad(loss, zeros)):
            sums[place] += own.flatten(1).norm(dim=1).sum(dtype=torch.float64).cpu()
    return sums


def drawn_blocks(chances: Tensor, count: int, seed: int) -> Tensor:
    """(count,) of the blocks, in order: drawn one after the other, without replacement, in proportion to chances."""
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(chances, count, generator=generator).sort().values


@contextmanager
def _still(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """No gradient comes to the weights in the block."""
    for own in weights:
        own.requires_grad_(False)
    try:
        yield
    finally:
        for own in weights:
            own.requires_grad_(True)
