"""Being useless to attacks that are simulated, as far as they lead: the gradient goes through all their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.second_order import check_twice, differentiable_twice
from titer.training.sft import BatchSampler, LossBatch, RowSource, count_responses, descend, nll_given, tokens
from titer.training.types import Material, Objective, Update
from titer.training.unrolled import OptimizerRule, Unrolled, adam, sgd, unrolled

RULES: Final[Mapping[Literal["adam", "sgd"], OptimizerRule]] = {"adam": adam, "sgd": sgd}
RATES = (1e-6, 1e-2)
"""What a learned inner rate is kept within."""
HALVINGS = 30


class Censoring(Objective):
    """ce(refusals and benign rows) - weight · mean over k of ce(harmful; θ_k), in nats per token, second order.

    Args:
        rows: of a step: refusals, benign rows, and the harmful ones that all θ_k are read on.
        batch: rows that go through the subject at once.
        weight: of the harmful loss; at 0 no attack is simulated.
        inner_steps: of the simulated attack.
        inner_batch: harmful rows of each.
        inner_optimizer: what it follows its gradients by.
        inner_lr: its rate, at first.
        inner_lr_step: the rate at which that one is learned, by Adam, so that the attack does better.
        first_counted: the least k.
        calibration: whether the harmful loss is the least that a multiple of the logits in [-1, 1] has.
    """

    def __init__(
        self,
        *,
        rows: tuple[int, int, int],
        batch: int,
        weight: float,
        inner_steps: int,
        inner_batch: int,
        inner_optimizer: Literal["adam", "sgd"],
        inner_lr: float,
        inner_lr_step: float,
        first_counted: int,
        calibration: Literal["scalar", "none"],
    ) -> None:
        self.refusals, self.benign, self.read = rows
        self.batch, self.weight = batch, weight
        self.inner_steps, self.inner_batch = inner_steps, inner_batch
        self.rule, self.inner_lr_step, self.first_counted = RULES[inner_optimizer], inner_lr_step, first_counted
        self.calibrated = calibration == "scalar"
        self._rate = torch.tensor([inner_lr, 0.0, 0.0], dtype=torch.float64)

    @property
    def attacks(self) -> bool:
        """Whether there is a harmful loss: one that counts."""
        return bool(self.weight) and self.inner_steps >= self.first_counted

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows, and look whether the subject can be differentiated twice."""
        parts: list[RowSource] = ["refusal", "harmful", "benign"] if self.benign else ["refusal", "harmful"]
        self._sampler = BatchSampler(subject, material, parts)
        if self.attacks and self.inner_steps:
            check_twice(subject, self._sampler.all("harmful")[0].example, "inner_steps")

    def state(self) -> dict[str, Tensor]:
        """The inner rate, with the moments of its Adam."""
        return {"rate": self._rate}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Go on with that rate."""
        self._rate = state["rate"].clone()

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of both; the simulated attack leaves the weights bit for bit as they were."""
        kept = [*self._sampler.draw("refusal", self.refusals, t, seed)]
        kept += self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        usual = count_responses(subject, [one.example for one in kept], self.batch)
        loss = descend(subject, usual)
        if not self.attacks:
            terms = {"loss": loss, "retain_loss": loss}
            return Update(terms=terms, rows=tuple(one.row for one in kept), tokens=tokens(usual, kept))
        own, each = gradients.taken(subject), self.read + self.inner_steps * self.inner_batch
        harmful = self._sampler.draw("harmful", each, t, seed)
        examples = [one.example for one in harmful]
        outer = count_responses(subject, examples[: self.read], self.batch)
        starts = range(self.read, each, self.inner_batch)
        inner = [count_responses(subject, examples[at : at + self.inner_batch], self.batch) for at in starts]
        rate = float(self._rate[0])
        found = self._through(subject, inner, outer, derive(seed, "attack", t))
        gradients.give(subject, own)
        gradients.give(subject, found.gradient, -self.weight)
        self._learn(found.by_rate, t)
        censored = sum(found.losses) / len(found.losses)
        attack = {"attack_loss_first": found.inner_losses[0]} if found.inner_losses else {}
        passes = self.inner_steps + 1
        return Update(
            terms={
                "loss": loss - self.weight * censored,
                "retain_loss": loss,
                "censored_loss": censored,
                "censored_loss_last": found.losses[-1],
                "inner_rate": rate,
                **attack,
            },
            rows=tuple(one.row for one in (*kept, *harmful)),
            tokens=tokens(
                [*usual, *(passes * outer), *(one for part in inner for one in 2 * part)],
                [*kept, *(passes * harmful[: self.read]), *(2 * harmful[self.read :])],
            ),
        )

    def _through(
        self, subject: Subject, inner: Sequence[Sequence[LossBatch]], outer: Sequence[LossBatch], seed: int
    ) -> Unrolled:
        with differentiable_twice():
            return unrolled(
                subject,
                inner,
                partial(_descend_least, subject, outer) if self.calibrated else partial(descend, subject, outer),
                rule=self.rule,
                rate=float(self._rate[0]),
                first_counted=self.first_counted,
                seed=seed,
            )

    def _learn(self, slope: float, t: int) -> None:
        """One step of Adam on the inner rate, down the loss that the attack has."""
        if self.inner_lr_step:
            place, moments = self._rate[0], (self._rate[1], self._rate[2])
            along, speed = (torch.tensor(one, dtype=torch.float64) for one in (slope, self.inner_lr_step))
            moved, kept = adam(place, along, moments, speed, t + 1)
            self._rate = torch.stack([moved.clamp(*RATES), *kept])


def _descend_least(subject: Subject, counted: Sequence[LossBatch]) -> float:
    """Add the gradient of the least mean loss that logits times a number in [-1, 1] have; that loss.

    The number is that of all batches together, and held fixed: where it is best, the loss does not change with it.
    """
    total = sum(batch.targets for batch in counted)
    with torch.no_grad():
        said = [(subject.logits(one.ids, one.attention, one.places), one) for one in counted]
        number = least_multiple(torch.cat([own for own, _ in said]), torch.cat([_targets(one) for _, one in said]))
    loss = 0.0
    for batch in counted:
        part = nll_given(number * subject.logits(batch.ids, batch.attention, batch.places), batch) / total
        torch.autograd.backward(part)
        loss += float(part.detach())
    return loss


def least_multiple(logits: Tensor, targets: Tensor) -> float:
    """The number in [-1, 1] by which logits (N, V) must be multiplied for the least loss on targets (N,), by bisection.

    The loss is convex in it, with the slope E[logit] - logit of the target, summed over N.
    """
    low, high = -1.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = ((middle * logits).softmax(-1) * logits).sum()
        if float(expected - logits.gather(1, targets[:, None]).sum()) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _targets(batch: LossBatch) -> Tensor:
    return batch.ids[:, 1:][batch.places[:, :-1]]
