"""SOPHON: suppression of what a simulated attack learns, and reinforcement of what should stay, in turn."""

from __future__ import annotations

from torch import Tensor

from titer.models.subject import Subject
from titer.training import gradients
from titer.training.objectives.meta_learned.tamper_losses import TamperLoss
from titer.training.sft import BatchSampler, LossBatch, RowSource, TrainRow, count_responses, descend, tokens
from titer.training.simulated_attack import Adversary
from titer.training.types import Material, Objective, Update


class SuppressionInTurn(Objective):
    """Step 0, 2, ...: the mean over k of L(θ_k); step 1, 3, ...: ce(refusals and benign rows).

    θ_k are the weights after step k of a simulated attack, and L is read on the rows that its batch left aside. First
    order: the gradient of L(θ_k), taken at θ_k, is applied at θ. Each kind of step has an optimizer of its own.

    Args:
        adversary: the attacks.
        loss: L, in nats, on harmful rows.
        rows: of a reinforcing step: refusals, and benign rows.
        batch: rows that go through the subject at once.
        reinforcement: the rate of reinforcing steps, as a multiple of that of the training.
    """

    def __init__(
        self, *, adversary: Adversary, loss: TamperLoss, rows: tuple[int, int], batch: int, reinforcement: float
    ) -> None:
        self.adversary, self.loss, self.batch = adversary, loss, batch
        self.refusals, self.benign = rows
        self.turns = (1.0, reinforcement)

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows."""
        parts: list[RowSource] = ["harmful", "refusal", "benign"] if self.benign else ["harmful", "refusal"]
        self._sampler = BatchSampler(subject, material, parts)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the part whose turn it is; an attack leaves the weights bit for bit as they were."""
        turn = self._reinforce if t % len(self.turns) else self._suppress
        return turn(subject, t // len(self.turns), seed)

    def _suppress(self, subject: Subject, number: int, seed: int) -> Update:
        collected: dict[str, Tensor] = {}
        counted: list[LossBatch] = []
        drawn: list[TrainRow] = []
        losses, suppressed, share = [], 0.0, 1 / self.adversary.steps
        with subject.restored():
            for taken in self.adversary.attack(subject, self._sampler, number, seed):
                losses.append(taken.loss)
                suppressed += share * self.loss.backward(subject, [taken.aside], self.batch, share)
                gradients.collect(collected, gradients.taken(subject))
                read = count_responses(subject, [one.example for one in taken.aside], self.batch)
                counted, drawn = [*counted, *taken.counted, *read], [*drawn, *taken.drawn, *taken.aside]
        gradients.give(subject, collected)
        return Update(
            terms={"loss": suppressed, "attack_loss_first": losses[0], "attack_loss_last": losses[-1]},
            rows=tuple(one.row for one in drawn),
            tokens=tokens(counted, drawn),
        )

    def _reinforce(self, subject: Subject, number: int, seed: int) -> Update:
        drawn = [*self._sampler.draw("refusal", self.refusals, number, seed)]
        drawn += self._sampler.draw("benign", self.benign, number, seed) if self.benign else []
        counted = count_responses(subject, [one.example for one in drawn], self.batch)
        loss = descend(subject, counted)
        return Update(
            terms={"loss": loss, "retain_loss": loss},
            rows=tuple(one.row for one in drawn),
            tokens=tokens(counted, drawn),
        )
