"""A fine-tuning of the attacker's, gone through inside a step of the defender's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from titer.models.subject import Subject
from titer.training.gradients import trained
from titer.training.sft import BatchSampler, LossBatch, RowSource, TrainRow, descend
from titer.training.text_targets import TextSpan, count_text


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """One step of a simulated attack: the loss before it, and what it was taken on."""

    loss: float
    counted: list[LossBatch]
    drawn: list[TrainRow]


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """The attacks that a defender expects: AdamW on harmful rows, at times on benign ones first.

    Attributes:
        steps: of an attack.
        batch: rows of a step.
        rates: of which an attack has one, all alike likely.
        switch_share: how many attacks begin with benign rows; harmful ones follow from a step on that is drawn.
        switch_beta: the parameters of the Beta distribution of that step, as a share of all steps.
        weight_decay: that of AdamW, whose other parameters are the usual ones.
        text: which tokens are targets.
    """

    steps: int
    batch: int
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
        weights = list(trained(subject).values())
        optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=self.weight_decay, fused=True)
        for step in range(self.steps):
            part: RowSource = "benign" if begins_benign and step < int(self.steps * point) else "harmful"
            drawn = sampler.draw(part, self.batch, number * self.steps + step, seed)
            counted = count_text(subject, [one.example for one in drawn], self.batch, self.text)
            loss = descend(subject, counted)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            yield Tampering(loss=loss, counted=counted, drawn=drawn)
