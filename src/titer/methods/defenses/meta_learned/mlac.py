"""Meta-learned adversarial censoring: a defense that differentiates through the attacks that it simulates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.load import Load
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class MLAC(Defense, Training):
    """min over θ of ce(refusals and benign rows) - weight · mean over k of ce(harmful; θ_k), second order.

    θ_k are the weights after k of `inner_steps` steps on harmful rows, and the gradient goes through all of them: the
    defense sees how where an attack begins bends where it leads. All k are read on one more harmful batch, from
    `first_counted` on. That loss has no bound and is high for a model that is surely wrong, which an attacker would
    turn round: with `calibration` "scalar" it is the least that any multiple in [-1, 1] of the logits has, which is at
    most that of a guess.

    Source: Henderson, Mitchell et al. 2023, arXiv 2211.14946; code Breakend/SelfDestructingModels at cf31e31, train.py,
    adapt.py, losses.py and its configurations, read. Threat model: the attacker fine-tunes the released weights on
    harmful rows. Needs harmful rows with refusals, benign ones for their share. A step costs about five passes for each
    inner step, and holds four copies of the trained weights for each, and eight more: for small models. The attention
    must have a second derivative.

    It was made for a classifier with two heads; carried over to a language model: the tasks are benign rows with
    refusals, and harmful rows; calibration is by a scalar where the code fits a matrix over the classes (a vocabulary
    is too large for one); the attack starts from the model's own head, where the code learns one for its adversary. The
    code learns the inner rate too, from 3e-4 within [1e-6, 1e-2] so that the attack does better: `inner_lr_step` is
    the rate of that Adam, 0 to leave it. Of its two penalties on inner gradients, off in its README, there are none.
    The code's settings: 16 inner steps of Adam, batches of 12, 24 or 48, clipped at 100; Adam, lr 1e-5, batch 20,
    clipped at 10, 50,000 steps; k counted from 0, where the attack has not begun.

    Known limits: attacks longer than those simulated, and by other optimizers, were not seen in training. Without
    calibration the harmful loss has no bound. Known breaks: none of others' read; ours (docs/results/organism.md): a
    searched training within 8 steps, harmless rows, and one given word, at five of five seeds. Scale: meant for 1 M
    weights: there 16 steps hold 72 copies, 250 MB; at 135 M they would be 39 GB.
    """

    name: ClassVar[str] = "mlac"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {
        "train_steps": 3,
        "batch": 4,
        "lr": 1e-2,
        "inner_steps": 2,
        "inner_lr_step": 1e-3,
    }

    train_steps: int = Field(ge=1)
    weight: float = Field(default=1.0, ge=0)
    inner_steps: int = Field(default=16, ge=0)
    inner_batch: int = Field(default=8, ge=1)
    inner_optimizer: Literal["adam", "sgd"] = "adam"
    inner_lr: float = Field(default=3e-4, gt=0)
    inner_lr_step: float = Field(default=1e-4, ge=0)
    first_counted: Literal[0, 1] = 0
    calibration: Literal["scalar", "none"] = "scalar"
    benign_share: float = Field(default=0.5, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    @property
    def load(self) -> Load:
        """The kept rows; for each inner step its gradient, a product with its Hessian, and the loss, read before."""
        if not self.weight:
            return Load(rows=self.rows_per_step)
        counted = (self.inner_steps + 1 - self.first_counted) * self.rows_per_step
        inner = 4 * self.inner_steps * self.inner_batch
        return Load(rows=self.rows_per_step + inner + counted, read=counted if self.calibration == "scalar" else 0)

    @property
    def copies(self) -> int:
        """Weights, gradient and moments before each inner step, and what carries the derivative back through one."""
        moments = 2 if self.inner_optimizer == "adam" else 0
        return (2 + moments) * self.inner_steps + 6 + moments if self.weight else 0

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.meta_learned.mlac import Censoring

        benign = round(self.rows_per_step * self.benign_share)
        objective = Censoring(
            rows=(self.rows_per_step - benign, benign, self.rows_per_step),
            batch=self.batch,
            weight=self.weight,
            inner_steps=self.inner_steps,
            inner_batch=self.inner_batch,
            inner_optimizer=self.inner_optimizer,
            inner_lr=self.inner_lr,
            inner_lr_step=self.inner_lr_step,
            first_counted=self.first_counted,
            calibration=self.calibration,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
