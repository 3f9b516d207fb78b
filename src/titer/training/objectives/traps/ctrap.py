"""A trap that springs on a step of harmful fine-tuning: from there the model says one token and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.gradients import Gradient
from titer.training.second_order import add_hessian_product, check_twice, differentiable_twice
from titer.training.sft import BatchSampler, LossBatch, RowSource, count_responses, descend, nll_given, tokens
from titer.training.types import Material, Objective, Update

TINY = 1e-7
"""Added to the length of the harmful gradient before it divides, as in the published code."""


class CollapseTrap(Objective):
    """ce(refusals and benign rows; θ) + lamb · collapse(the same rows; θ'), losses in nats per token.

    θ' = θ - alpha · u is where one step of harmful fine-tuning leads: u is the gradient of ce(harmful), of length 1 or
    as long as it is. `collapse` is the mean loss of one fixed token in the place of every response token. To the
    second order the gradient goes through u: it is v - alpha · Jᵀv with v = ∇collapse(θ') and J the derivative of u,
    a product with a Hessian; to the first order it is v.

    Args:
        rows: of a step: refusals, benign rows, and harmful ones for the step that springs the trap.
        batch: rows that go through the subject at once.
        alpha: how far the harmful step goes.
        lamb: weight of the trap; at 0 it is not set.
        order: of the trap's gradient.
        step: whether u has length 1.
        collapse_text: the last token of this text is the fixed one.
    """

    def __init__(
        self,
        *,
        rows: tuple[int, int, int],
        batch: int,
        alpha: float,
        lamb: float,
        order: Literal["first", "second"],
        step: Literal["normalized", "plain"],
        collapse_text: str,
    ) -> None:
        self.refusals, self.benign, self.harmful = rows if lamb else (*rows[:2], 0)
        self.batch, self.alpha, self.lamb = batch, alpha, lamb
        self.order, self.step, self.collapse_text = order, step, collapse_text

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows, and look whether the subject has what the order asks for."""
        parts: list[RowSource] = ["refusal", "harmful", "benign"] if self.benign else ["refusal", "harmful"]
        self._sampler = BatchSampler(subject, material, parts)
        self._token = int(subject.tokenizer(self.collapse_text, add_special_tokens=False).input_ids[-1])
        if self.order == "second" and self.lamb:
            check_twice(subject, self._sampler.all("harmful")[0].example, "order")

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of both; the weights are moved for the trap, and put back."""
        kept = [*self._sampler.draw("refusal", self.refusals, t, seed)]
        kept += self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        harmful = self._sampler.draw("harmful", self.harmful, t, seed)
        usual = count_responses(subject, [one.example for one in kept], self.batch)
        opposed = count_responses(subject, [one.example for one in harmful], self.batch)
        trap: Gradient = {}
        sprung, apart = 0.0, dict[str, float]()
        if self.lamb:
            trap, harm, sprung = self._set(subject, usual, opposed, derive(seed, "harmful", t))
            apart = {"harmful_loss": harm, "collapse_loss": sprung}
        loss, idle = self._descend(subject, usual)
        gradients.give(subject, trap, self.lamb)
        terms = {"loss": loss + self.lamb * sprung, "retain_loss": loss, "collapse_loss_unmoved": idle, **apart}
        passes = (2, 2 if self.order == "second" else 1) if self.lamb else (1, 0)
        return Update(
            terms=terms,
            rows=tuple(one.row for one in (*kept, *harmful)),
            tokens=tokens(
                [*(passes[0] * usual), *(passes[1] * opposed)], [*(passes[0] * kept), *(passes[1] * harmful)]
            ),
        )

    def _set(
        self, subject: Subject, usual: Sequence[LossBatch], opposed: Sequence[LossBatch], seed: int
    ) -> tuple[Gradient, float, float]:
        """The gradient of the trap, the harmful loss at θ, and the loss of the fixed token at θ'."""
        with self._kernel():
            with scoped(seed):
                harm = descend(subject, opposed)
            slope = gradients.taken(subject)
            length = gradients.norm(slope)
            reach = 1 / (length + TINY) if self.step == "normalized" else 1.0
            with gradients.moved(subject, slope, -self.alpha * reach):
                if self.order == "first":
                    slope = {}  # as large as the weights, and needed no more
                sprung = self._collapse(subject, usual)
                trap = gradients.taken(subject)
            if self.order == "second":
                along = gradients.combined({}, trap, reach)
                if self.step == "normalized":
                    share = gradients.inner(slope, trap) / length * reach**2
                    along = gradients.combined(along, slope, -share)
                slope = {}
                with scoped(seed):
                    add_hessian_product(subject, opposed, along)
                trap = gradients.combined(trap, gradients.taken(subject), -self.alpha)
        return trap, harm, sprung

    def _kernel(self) -> AbstractContextManager[None]:
        return differentiable_twice() if self.order == "second" else nullcontext()

    def _collapse(self, subject: Subject, counted: Sequence[LossBatch]) -> float:
        """Add the gradient of the mean loss of the fixed token; that mean."""
        total, loss = sum(batch.targets for batch in counted), 0.0
        for batch in counted:
            part = self._said(subject.logits(batch.ids, batch.attention, batch.places)) / total
            torch.autograd.backward(part)
            loss += float(part.detach())
        return loss

    def _descend(self, subject: Subject, counted: Sequence[LossBatch]) -> tuple[float, float]:
        """Add the gradient of the mean over all targets; that mean, and that of the fixed token in their place."""
        total, loss, idle = sum(batch.targets for batch in counted), 0.0, 0.0
        for batch in counted:
            logits = subject.logits(batch.ids, batch.attention, batch.places)
            part = nll_given(logits, batch) / total
            torch.autograd.backward(part)
            loss, idle = loss + float(part.detach()), idle + float(self._said(logits.detach())) / total
        return loss, idle

    def _said(self, logits: Tensor) -> Tensor:
        """The summed negative log-likelihood of the fixed token, from logits (N, V)."""
        return -logits.log_softmax(-1)[:, self._token].sum()
