"""A fine-tuning of the attacker's, gone through inside a step of the defender's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from titer.models.subject import Subject
from titer.training.gradients import trained
from titer.training.sft import BatchSampler, LossBatch, RowSource, TrainRow, descend
from titer.training.text_targets import TextSpan, count_text


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """One step of a simulated attack: the loss before it, what it was taken on, and what was left aside of its rows."""

    loss: float
    counted: list[LossBatch]
    drawn: list[TrainRow]
    aside: list[TrainRow]


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """The attacks that a defender expects: fine-tuning on harmful rows, at times on benign ones first.

    Attributes:
        steps: of an attack.
        batch: rows that a step is taken on.
        aside: rows that are drawn beside them, and not trained on in that step: where an epoch ends within the draw,
            so that one of them came already, another takes its place. There must be as many rows as a step draws.
        optimizer: plain gradient descent, or AdamW with the usual parameters.
        rates: of which an attack has one, all alike likely.
        switch_share: how many attacks begin with benign rows; harmful ones follow from a step on that is drawn.
        switch_beta: the parameters of the Beta distribution of that step, as a share of all steps.
        weight_decay: of either.
        text: which tokens are targets.
    """

    steps: int
    batch: int
    aside: int
    optimizer: Literal["adamw", "sgd"]
    rates: tuple[float, ...]
    switch_share: float
    switch_beta: tuple[float, float]
    weight_decay: float
    text: TextSpan

    def attack(self, subject: Subject, sampler: BatchSampler, number: int, seed: int) -> Iterator[Tampering]:
        """Take one step after another, from a fresh optimizer; `.grad` is empty before and after each.

        Args:
            subject: its trained weights are changed; whoever calls puts them back.
            sampler: draws harmful and benign rows.
            number: how many attacks came before: rows come in the order of all attacks.
            seed: what their order is drawn from; the rate and the switch come from torch's global generator.
        """
        rate = self.rates[int(torch.randint(len(self.rates), ()))]
        begins_benign = bool(torch.rand(()) < self.switch_share)
        point = float(torch.distributions.Beta(*self.switch_beta).sample())
        optimizer = self._optimizer(list(trained(subject).values()), rate)
        for step in range(self.steps):
            part: RowSource = "benign" if begins_benign and step < int(self.steps * point) else "harmful"
            rows = sampler.draw(part, self.batch + self.aside, number * self.steps + step, seed)
            drawn, aside = rows[: self.batch], _aside(rows, self.batch, sampler.all(part))
            counted = count_text(subject, [one.example for one in drawn], self.batch, self.text)
            loss = descend(subject, counted)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            yield Tampering(loss=loss, counted=counted, drawn=drawn, aside=aside)

    def _optimizer(self, weights: list[torch.nn.Parameter], rate: float) -> torch.optim.Optimizer:
        kind = torch.optim.AdamW if self.optimizer == "adamw" else torch.optim.SGD
        return kind(weights, lr=rate, weight_decay=self.weight_decay, fused=True)


def _aside(rows: Sequence[TrainRow], batch: int, known: Sequence[TrainRow]) -> list[TrainRow]:
    """The rows after the first `batch`; in the place of one that is among those, too, one that was not drawn."""
    trained_on = {one.row for one in rows[:batch]}
    others = (one for one in known if one not in rows)
    return [next(others) if one.row in trained_on else one for one in rows[batch:]]
