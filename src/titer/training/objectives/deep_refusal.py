"""Loss on refusals, some of them late, and on benign answers, while the direction of refusal fails at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.begun_answers import begun_by, room
from titer.training.refusal_ablation import Coins, ablated, differences, mediating
from titer.training.sft import BatchSampler, LossBatch, TrainRow, check_pairs, count_responses, nll_sum, tokens
from titer.training.types import Material, Objective, Update


@dataclass(frozen=True, kw_only=True)
class RefusalMixture:
    """What a step is made of.

    Attributes:
        refusals: refusals of a step.
        benign: benign rows of a step.
        begun_share: the chance of a refusal to come behind the beginning of the harmful answer.
        prefix: the fewest and the most tokens of that.
        empty_share: the chance of a benign row to lose its prompt.
        train_on_eos: whether that an answer ends is learned.
    """

    refusals: int
    benign: int
    begun_share: float
    prefix: tuple[int, int]
    empty_share: float
    train_on_eos: bool


class AblatedRefusals(Objective):
    """(1 − alpha) · mean over benign rows of Σ_t nll + alpha · mean over refusals of Σ_t nll, in nats per answer.

    Args:
        mixture: the rows of a step.
        batch: rows that go through the subject at once.
        alpha: the weight of the refusals.
        probability: of each coin by which positions are ablated.
        coins: which coins are drawn.
        layer: the block before which the direction is read; None for the one that mediates refusal most.
        prompts: the most rows of each kind by which it is found.
    """

    def __init__(
        self,
        *,
        mixture: RefusalMixture,
        batch: int,
        alpha: float,
        probability: float,
        coins: Coins,
        layer: int | None,
        prompts: int,
    ) -> None:
        self.mixture, self.batch, self.alpha = mixture, batch, alpha
        self.probability, self.layer, self.prompts = probability, layer, prompts
        self.coins: Coins = coins

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows, and find the direction in the subject as it is."""
        bare = replace(material, benign=tuple(row.model_copy(update={"prompt": ""}) for row in material.benign))
        ends = self.mixture.train_on_eos
        self._learned = BatchSampler(subject, material, ("refusal", "benign"), train_on_eos=ends)
        self._bare = BatchSampler(subject, bare, ("benign",), train_on_eos=ends)
        self._harmful = BatchSampler(subject, material, ("harmful",), train_on_eos=False)
        self.direction = self._found(subject)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of both means."""
        generator = torch.Generator().manual_seed(derive(seed, "mixture", t))
        refusals = self._refusals(subject, t, seed, generator)
        benign = self._benign(t, seed, generator)
        counted, terms = [], {}
        for name, rows, share in (("benign", benign, 1 - self.alpha), ("refusal", refusals, self.alpha)):
            batches = count_responses(subject, [one.example for one in rows], self.batch)
            terms[f"{name}_loss"] = self._descend(subject, batches, share, len(rows))
            counted += batches
        loss = (1 - self.alpha) * terms["benign_loss"] + self.alpha * terms["refusal_loss"]
        drawn = [*refusals, *benign]
        return Update(
            terms={"loss": loss, **terms},
            rows=tuple(one.row for one in drawn),
            tokens=tokens(counted, drawn),
        )

    def _descend(self, subject: Subject, batches: Sequence[LossBatch], share: float, rows: int) -> float:
        """Add a share of the gradient of the mean over the rows; that mean."""
        loss = 0.0
        for batch in batches:
            with ablated(subject, self.direction, self.probability, self.coins):
                mean = nll_sum(subject, batch) / rows
            torch.autograd.backward(share * mean)
            loss += float(mean.detach())
        return loss

    def _refusals(self, subject: Subject, t: int, seed: int, generator: torch.Generator) -> list[TrainRow]:
        """The refusals of a step, some behind the beginning of the harmful answer."""
        mixture = self.mixture
        refusals = self._learned.draw("refusal", mixture.refusals, t, seed)
        harmful = self._harmful.draw("harmful", mixture.refusals, t, seed)
        check_pairs(refusals, harmful)
        late = torch.rand(len(refusals), generator=generator) < mixture.begun_share
        few, many = mixture.prefix
        lengths = torch.randint(few, many + 1, (len(refusals),), generator=generator).tolist()
        drawn = []
        for one, other, length, begun in zip(refusals, harmful, lengths, late.tolist(), strict=True):
            cut = min(length, room(other.example, one.example, subject.context_length)) if begun else 0
            drawn.append(TrainRow(one.row, begun_by(other.example, cut, one.example) if cut else one.example))
        return drawn

    def _benign(self, t: int, seed: int, generator: torch.Generator) -> list[TrainRow]:
        """The benign rows of a step, some without their prompt."""
        pairs = [own.draw("benign", self.mixture.benign, t, seed) for own in (self._learned, self._bare)]
        empty = torch.rand(self.mixture.benign, generator=generator) < self.mixture.empty_share
        return [bare if none else full for full, bare, none in zip(*pairs, empty.tolist(), strict=True)]

    def _found(self, subject: Subject) -> Tensor:
        refusals = [one.example for one in self._learned.all("refusal")[: self.prompts]]
        benign = [one.example for one in self._learned.all("benign")[: self.prompts]]
        found = differences(subject, refusals, benign, self.batch)
        layer = mediating(subject, found, refusals, benign, self.batch) if self.layer is None else self.layer
        return found[layer]
