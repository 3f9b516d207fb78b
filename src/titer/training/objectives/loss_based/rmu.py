"""Hidden states of harmful conversations are pulled to one random vector, in a few matrices only."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from titer.errors import InputError
from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.gradients import only, trained
from titer.training.representations import hidden_states
from titer.training.representations.compared_rows import counted, padded
from titer.training.representations.reference import Reference
from titer.training.sft import BatchSampler
from titer.training.types import Material, Objective, Update


class Misdirection(Objective):
    """forget_weight · mean (h − c · u)² + alpha · mean (h − h0)², means over tokens and coordinates of one layer.

    The first over harmful conversations, the second over benign ones, prompts included; u is a vector of norm 1 whose
    coordinates are drawn uniformly from 0 to 1, the same throughout a training. Only what writes the feed-forward
    output of the blocks `updated` is trained.

    Args:
        batch: harmful rows of a batch, and benign ones.
        batches: how many batches make a step, which is their mean.
        weights: forget_weight and alpha.
        steering: c.
        layer: the number of the hidden state.
        updated: the blocks, counted from 1.
        counts_padding: whether both means are over padding, too.
    """

    def __init__(
        self,
        *,
        batch: int,
        batches: int,
        weights: tuple[float, float],
        steering: float,
        layer: int,
        updated: tuple[int, ...],
        counts_padding: bool,
    ) -> None:
        self.batch, self.batches, self.weights = batch, batches, weights
        self.steering, self.layer, self.updated = steering, layer, updated
        self.counts_padding = counts_padding
        self._sampler: BatchSampler | None = None
        self._reference: Reference | None = None

    def prepare(self, subject: Subject, material: Material) -> None:
        """Keep the subject as it is, and encode the rows.

        Raises:
            InputError: if an adapter is trained, and none is on what is to be trained.
        """
        with only(subject, self._writers(subject)):
            if not trained(subject):
                problem = f"no adapter is on the feed-forward output of block {' or '.join(map(str, self.updated))}"
                raise InputError("trainable.targets", problem, 'Name it there, or write "all-linear".')
        self._reference = Reference(subject)
        self._sampler = BatchSampler(subject, material, ("harmful", "benign"))

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of one batch after the other."""
        assert self._sampler is not None
        count = self.batch * self.batches
        harmful, benign = (self._sampler.draw(part, count, t, seed) for part in ("harmful", "benign"))
        found: Counter[str] = Counter()
        with only(subject, self._writers(subject)):
            for start in range(0, count, self.batch):
                rows = slice(start, start + self.batch)
                terms = self._descend(subject, padded(subject, harmful[rows]), padded(subject, benign[rows]), seed)
                found.update({name: own / self.batches for name, own in terms.items()})
        drawn = [*harmful, *benign]
        tokens = counted(drawn, benign, prompts=True)
        return Update(terms=dict(found), rows=tuple(one.row for one in drawn), tokens=tokens)

    def _descend(self, subject: Subject, harmful: Batch, benign: Batch, seed: int) -> dict[str, float]:
        assert self._reference is not None
        forget_weight, alpha = self.weights
        own = self._states(subject, harmful)
        forget = (own - self.steering * direction(own.shape[-1], seed).to(own)).square().mean()
        torch.autograd.backward(forget_weight * forget / self.batches)
        with self._reference.reading() as frozen:
            before = self._states(frozen, benign)
        retain = (self._states(subject, benign) - before).square().mean()
        torch.autograd.backward(alpha * retain / self.batches)
        found = {
            "loss": forget_weight * forget + alpha * retain,
            "forget_loss": forget,
            "retain_loss": retain,
            "hidden_norm": own.norm(dim=-1).median(),
        }
        return {name: float(value.detach()) for name, value in found.items()}

    def _states(self, subject: Subject, batch: Batch) -> Tensor:
        """(N, d) at the tokens that count."""
        own = hidden_states.states(subject, batch)[self.layer]
        return own.flatten(0, 1) if self.counts_padding else own[batch.attention.bool()]

    def _writers(self, subject: Subject) -> list[torch.nn.Module]:
        mlps = hidden_states.mlps(subject)
        return [mlps[block - 1] for block in self.updated]


def direction(width: int, seed: int) -> Tensor:
    """(d,) of norm 1, uniform in the orthant where no coordinate is below 0 before it is scaled."""
    drawn = torch.rand(width, generator=torch.Generator().manual_seed(derive(seed, "steering")), dtype=torch.float64)
    unit: Tensor = drawn / drawn.norm()
    return unit
