"""Loss on refusals of two groups, the one drawn more often on which it is higher, now and then at shifted weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from titer.errors import MethodFailure
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.forgetting_pilot import PilotResult
from titer.training.sft import (
    ASKED,
    READ,
    BatchSampler,
    LossBatch,
    RowSource,
    TrainRow,
    count_responses,
    descend,
    places,
    tokens,
)
from titer.training.types import Material, Objective, Update

TINY = 1e-7
"""What the published code adds to the norm that it divides by."""

LEAST = 0.1
"""The least chance of either group."""


class GroupRobust(Objective):
    """max over q of Σ q_g · ce(refusals of group g): one group is drawn a step, and drawn oftener after a high loss.

    The groups are the refusals that a pilot forgot, and the others. A step on group g with loss l multiplies q_g by
    exp(eta · l / q_g); both are divided by their sum and kept within 0.1 and 0.9. With chance lam · t / steps the
    gradient of step t, and l, are those at θ + rho · g/‖g‖.

    Args:
        refusals: rows of a step, of the group that is drawn.
        benign: benign rows beside them, which have no say in q.
        batch: rows that go through the subject at once.
        forgotten: what the pilot saw; None where the training is resumed, which knows.
        eta: the rate of q.
        rho: the length of the shift of the weights.
        lam: the chance of a shift at the end.
        steps: of the whole training.
    """

    def __init__(
        self,
        *,
        refusals: int,
        benign: int,
        batch: int,
        forgotten: PilotResult | None,
        eta: float,
        rho: float,
        lam: float,
        steps: int,
    ) -> None:
        self.refusals, self.benign, self.batch = refusals, benign, batch
        self.eta, self.rho, self.lam, self.steps = eta, rho, lam, steps
        self._pilot = {} if forgotten is None else {READ: forgotten.trained, ASKED: forgotten.read}
        self._counts = torch.zeros(0, dtype=torch.int64) if forgotten is None else forgotten.counts
        self._chance = torch.tensor([0.5], dtype=torch.float64)
        self._turns = torch.zeros(2, dtype=torch.int64)
        self._sampler: BatchSampler | None = None

    def state(self) -> dict[str, Tensor]:
        """How often each refusal was forgotten, the chance of the forgotten ones, and the turns of either group."""
        return {"forgotten": self._counts, "chance": self._chance, "turns": self._turns}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._counts, self._chance, self._turns = state["forgotten"], state["chance"], state["turns"]

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of a group's rows, and let the chances follow its loss."""
        if self._sampler is None:
            parts: list[RowSource] = ["refusal", "benign"] if self.benign else ["refusal"]
            self._sampler = BatchSampler(subject, material, parts)
        chance = float(self._chance)
        group = int(_uniform(seed, "group", t) < chance)
        drawn = self._draw(self._sampler, group, seed)
        kept = self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        counted = [count_responses(subject, [one.example for one in part], self.batch) for part in (drawn, kept)]
        plain, benign_loss = _descend(subject, *counted)
        loss, shifts = plain, _uniform(seed, "shift", t) < self.lam * t / self.steps
        if shifts:
            toward = gradients.taken(subject)
            with gradients.moved(subject, toward, self.rho / (gradients.norm(toward) + TINY)):
                del toward
                loss, benign_loss = _descend(subject, *counted)
        self._chance = torch.tensor([followed(chance, loss, group, self.eta)], dtype=torch.float64)
        self._turns = self._turns + torch.tensor([1 - group, group])
        rows = [*drawn, *kept]
        read = Counter(tokens([one for part in counted for one in part] * (1 + shifts), rows * (1 + shifts)))
        read.update(self._pilot if t == 0 else {})
        terms = {"refusal_loss": loss, "unshifted_loss": plain, "forgotten_drawn": group, "forgotten_chance": chance}
        own = {"benign_loss": benign_loss} if kept else {}
        return Update(terms={"loss": loss, **terms, **own}, rows=tuple(one.row for one in rows), tokens=read)

    def _draw(self, sampler: BatchSampler, group: int, seed: int) -> list[TrainRow]:
        """The next rows of a group, in turn, in an order drawn for each epoch of it."""
        forgotten = (self._counts > 0).tolist()
        if all(forgotten) or not any(forgotten):
            raise MethodFailure(f"the pilot forgot {sum(forgotten)} of {len(forgotten)} refusals", 0)
        rows = [one for one, own in zip(sampler.all("refusal"), forgotten, strict=True) if own == group]
        name = ("kept", "forgotten")[group]
        return [rows[place] for place in places(len(rows), self.refusals, int(self._turns[group]), seed, name)]


def followed(chance: float, loss: float, group: int, eta: float) -> float:
    """The chance of the forgotten group after a step.

    Args:
        chance: before it.
        loss: of the rows that were drawn, in nats per token.
        group: 1 where they were forgotten ones.
        eta: the rate.
    """
    own = (1 - chance, chance)[group]
    share = 1 / (1 + (1 - own) / own * math.exp(-eta * loss / own))  # own · exp(x) / (own · exp(x) + 1 - own)
    return min(1 - LEAST, max(LEAST, share if group else 1 - share))


def _descend(subject: Subject, refusals: list[LossBatch], benign: list[LossBatch]) -> tuple[float, float]:
    """Add the gradient of the mean over all targets; the means over either's own, 0 where there is none."""
    targets = [sum(batch.targets for batch in part) for part in (refusals, benign)]
    share = targets[0] / sum(targets)
    loss = descend(subject, refusals, share) / share
    return loss, descend(subject, benign, 1 - share) / (1 - share) if benign else 0.0


def _uniform(seed: int, label: str, t: int) -> float:
    """In [0, 1)."""
    return derive(seed, label, t) / 2**63
