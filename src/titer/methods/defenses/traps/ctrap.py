"""A trap: a model that collapses where harmful fine-tuning leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.defenses.close_weights import check_arithmetic
from titer.methods.requires import Need, Requires, benign_if
from titer.training.load import Load
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class CTRAP(Defense, Training):
    """Collapse trap: min over θ of ce(refusals and benign rows) + lamb · collapse(θ - alpha · ∇ce(harmful)).

    collapse(θ) is the loss of one fixed token e in the place of every response token of the same rows (equation 1).
    Source: arXiv 2505.16559 (equation through notes); code clearloveclearlove/CTRAP at bb0f07e, `CTRAPTrainer` of
    trainer.py, train.py, utils.py and scripts/alignment/CTRAP.sh, read. Threat model: the attacker fine-tunes the
    released weights on harmful rows. Needs harmful rows with refusals, benign ones for their share.

    Paper and code differ, and both are here. The code takes a harmful step of length alpha (`step` "normalized") and
    the gradient where it leads as it is (`order` "first"): the defaults. The paper's equation steps by alpha times the
    gradient ("plain"), and its gradient goes through the step ("second"), which is a clearly different one: that needs
    attention with a second derivative, and five passes a row instead of three. "plain" goes far where the gradient is
    long. Memory: beside the gradient one copy of the trained weights, to the second order three.

    The token e is the last one of `collapse_text`. The collapse is a mean over tokens, as in the code, so that long
    responses outweigh short ones; the equation means over rows.
    The code's settings: alpha 0.1, lamb 0.1, AdamW, lr 5e-4, weight decay 0.1, LoRA of rank 32 and alpha 4 on q, k and
    v, 5 refusals and 5 benign rows a step beside 10 harmful ones, 20 epochs of 5,000, clipped at 1.

    Known limits: an attacker with another optimizer, rate or other rows may walk around the place; benign fine-tuning
    that goes the same way springs the trap too, so trainability must be read. Known breaks: reinforcement learning,
    after which 36 and 72 % of answers to two sets of prompts are flagged, of 45 and 75 % undefended (arXiv 2508.20697;
    from notes on it); attackers who know the objective are tried in arXiv 2605.14605, not read. `collapse_loss_unmoved`
    is the loss of e at θ itself: low values say that the model has collapsed already. Scale: alpha is a length in the
    space of the trained weights, so 0.1 of an adapter is not 0.1 of all weights; 1 M weights of 0.02 are 20 long, 135 M
    230. Arithmetic in bfloat16 does not see 0.1 of that, and is refused. On a toy the second order sets the trap far
    sooner.
    """

    name: ClassVar[str] = "ctrap"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "batch": 4, "lr": 1e-2}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=0.1, ge=0)
    lamb: float = Field(default=0.1, ge=0)
    order: Literal["first", "second"] = "first"
    step: Literal["normalized", "plain"] = "normalized"
    collapse_text: str = Field(default="an error", min_length=1)
    benign_share: float = Field(default=0.5, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    @property
    def load(self) -> Load:
        """Refusals and benign rows twice, harmful rows once, and to the second order the work of two more."""
        return Load(rows=self.rows_per_step * (5 if self.order == "second" else 3))

    @property
    def copies(self) -> int:
        """The weights to put back, later the gradient there; two more gradients to the second order."""
        return (3 if self.order == "second" else 1) if self.lamb else 0

    def check(self, subject: Subject) -> None:
        """The subject computes in float32, unless nothing is moved."""
        if self.lamb:
            check_arithmetic(subject, "lamb")

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        self.check(subject)
        from titer.training.loop import Recipe, train
        from titer.training.objectives.traps.ctrap import CollapseTrap

        benign = round(self.rows_per_step * self.benign_share)
        objective = CollapseTrap(
            rows=(self.rows_per_step - benign, benign, self.rows_per_step),
            batch=self.batch,
            alpha=self.alpha,
            lamb=self.lamb,
            order=self.order,
            step=self.step,
            collapse_text=self.collapse_text,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
