"""Tampering attack resistance: what a simulated attack leaves should still be safe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from titer.errors import InputError
from titer.models.subject import Subject
from titer.records import Row
from titer.training import gradients
from titer.training.objectives.meta_learned.tamper_losses import TamperLoss
from titer.training.representations import hidden_states
from titer.training.representations.reference import Reference
from titer.training.sft import ASKED, BatchSampler, LossBatch, TrainRow, nll_given, tokens
from titer.training.simulated_attack import Adversary
from titer.training.text_targets import count_text
from titer.training.types import Material, Objective, Update


class TamperResistance(Objective):
    """tamper_scale · Σ_i w_i · L(θ_i) + retain_scale · (ce(benign rows) + representation_scale · distance).

    θ_i are the weights after step i of a simulated attack, counted from 0, w_i = exp(decay · (i - (K - 1))) its
    weight, and of every `subsample` steps the last counts. First order: the gradient of L(θ_i), taken at θ_i, is
    applied at θ. `distance` is the mean over hidden states and tokens of benign rows of the length of h - h_ref.

    Args:
        adversary: the attacks.
        loss: L, in nats, on rows held out from them.
        attacks: how many are simulated in a step, whose losses are averaged.
        rows: of a step: benign ones that are learned, and held-out ones that L reads, the same along an attack.
        batch: rows that go through the subject at once.
        held_out: share of the harmful rows that only L sees.
        subsample: of so many steps one counts.
        decay: λ of the weights.
        tamper_scale: of all L.
        retain_scale: of the benign rows.
        representation_scale: of the distance; at 0 no reference is kept for it.
        over_padding: whether its mean goes over padding as well.

    The reference is the parent where the material has one, else the subject before the first step.
    """

    def __init__(
        self,
        *,
        adversary: Adversary,
        loss: TamperLoss,
        attacks: int,
        rows: int,
        batch: int,
        held_out: float,
        subsample: int,
        decay: float,
        tamper_scale: float,
        retain_scale: float,
        representation_scale: float,
        over_padding: bool,
    ) -> None:
        self.adversary, self.loss, self.attacks = adversary, loss, attacks
        self.rows, self.batch, self.held_out = rows, batch, held_out
        self.subsample, self.decay = subsample, decay
        self.scale, self.retain_scale = tamper_scale, retain_scale
        self.representation_scale, self.over_padding = representation_scale, over_padding

    def prepare(self, subject: Subject, material: Material) -> None:
        """Part the harmful rows, encode them, and keep the reference."""
        attacked, held = _parted(material.harmful, self.held_out)
        self._sampler = BatchSampler(subject, replace(material, harmful=attacked), ("harmful", "benign"))
        self._held = BatchSampler(subject, replace(material, harmful=held), self.loss.parts)
        self._reference = Reference(subject if material.parent is None else material.parent())
        self._asked = self.loss.prepare(self._reference, self._held, self.batch)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of both parts; the attacks leave the weights bit for bit as they were."""
        collected: dict[str, Tensor] = {}
        counted: list[LossBatch] = []
        drawn: list[TrainRow] = []
        losses, tampered = [], 0.0
        for number in range(t * self.attacks, (t + 1) * self.attacks) if self.scale else ():
            held = [self._held.draw(part, self.rows, number, seed) for part in self.loss.parts]
            with subject.restored():
                for step, taken in enumerate(self.adversary.attack(subject, self._sampler, number, seed)):
                    losses.append(taken.loss)
                    counted, drawn = [*counted, *taken.counted], [*drawn, *taken.drawn]
                    if (step + 1) % self.subsample == 0:
                        share = self.weight(step) / self.attacks
                        tampered += share * self.loss.backward(subject, held, self.batch, self.scale * share)
                        gradients.collect(collected, gradients.taken(subject))
                        drawn = [*drawn, *(one for part in held for one in part)]
        benign = self._sampler.draw("benign", self.rows, t, seed)
        usual = count_text(subject, [one.example for one in benign], self.batch, self.adversary.text)
        retained, distance, asked = self._retain(subject, usual)
        gradients.give(subject, collected)
        terms = {"retain_loss": retained, "representation_distance": distance, "tamper_loss": tampered}
        attack = {"attack_loss_first": losses[0], "attack_loss_last": losses[-1]} if losses else {}
        kept = retained + self.representation_scale * distance
        return Update(
            terms={"loss": self.scale * tampered + self.retain_scale * kept, **terms, **attack},
            rows=tuple(one.row for one in (*drawn, *benign)),
            tokens={**tokens([*counted, *usual], [*drawn, *benign]), ASKED: asked + (self._asked if t == 0 else 0)},
        )

    def weight(self, step: int) -> float:
        """That of a step of an attack, counted from 0: 1 for its last one."""
        return math.exp(self.decay * (step - (self.adversary.steps - 1)))

    def _retain(self, subject: Subject, usual: Sequence[LossBatch]) -> tuple[float, float, int]:
        """Add the gradient on benign rows; their loss in nats per token, the distance, and how much was read for it."""
        targets = sum(batch.targets for batch in usual)
        places = [(torch.ones_like(one.attention) if self.over_padding else one.attention).bool() for one in usual]
        total, loss, distance, asked = sum(int(own.sum()) for own in places), 0.0, 0.0, 0
        for batch, own in zip(usual, places, strict=True):
            reading = hidden_states.read(subject, batch.ids, batch.attention)
            nats = nll_given(reading.logits[batch.places], batch) / targets
            apart = torch.zeros((), device=nats.device)
            if self.representation_scale:
                with self._reference.reading() as frozen:
                    before = hidden_states.read(frozen, batch.ids, batch.attention).hidden
                pairs = zip(reading.hidden, before, strict=True)
                lengths = [torch.linalg.vector_norm((now - then)[own], dim=-1).sum() for now, then in pairs]
                apart = torch.stack(lengths).sum() / (len(lengths) * total)
                asked += int(batch.attention.sum())
            torch.autograd.backward(self.retain_scale * (nats + self.representation_scale * apart))
            loss, distance = loss + float(nats.detach()), distance + float(apart.detach())
        return loss, distance, asked


def _parted(rows: Sequence[Row], held_out: float) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows to attack with, and those held out, which are spread evenly among them."""
    held = [place for place in range(len(rows)) if int((place + 1) * held_out) > int(place * held_out)]
    if not held or len(held) == len(rows):
        problem = f"of {len(rows)} harmful rows a share of {held_out:g} leaves none on one side"
        raise InputError("held_out", problem, "Give the defense more rows, or change held_out.")
    apart = frozenset(held)
    return tuple(row for place, row in enumerate(rows) if place not in apart), tuple(rows[place] for place in held)
