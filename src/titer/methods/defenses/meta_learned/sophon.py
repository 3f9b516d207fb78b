"""SOPHON, carried over to language: a defense that learns not to be trained on what is harmful."""

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


class SOPHON(Defense, Training):
    """In turn a step of min over θ of the mean over k of L(θ_k), and one of ce(refusals and benign rows).

    θ_k are the weights after k of `inner_steps` steps on harmful rows, and L says how far such responses are from being
    unsaid (`form`), read after each step on the `aside` rows that its batch left out: -log softmax(-z)_y over logits z
    ("inverse", as in the code), -log(1 - p_y) ("one_minus_p", as in the paper), or KL(guess || p) ("uniform"). First
    order: a gradient at θ_k counts as one at θ. Each kind of step has an optimizer and moments of its own.

    **Our extension**: it was made for image classifiers and diffusion models; carried over to the tokens of a language
    model by us, and no number of the paper speaks of that. Source: Deng et al. 2024, arXiv 2404.12699 (IEEE S&P 2024);
    code ChiangE/Sophon at 2ca637e, inverse_loss.py and kl_uniform_loss.py of classification/, read. Threat model: the
    attacker fine-tunes the released weights on the restricted domain. Needs harmful rows with their refusals, benign
    ones for their share. A pair of steps costs `inner_steps` · (`inner_batch` + `aside`) conversations and one batch;
    beside gradient and moments it holds four copies of the trained weights, six with an inner AdamW.

    The code's settings: 50 inner steps of plain gradient descent at 1e-4 on batches of 150, of which 20 are aside;
    Adam, 3e-4 for suppression, clipped at 0.5, and 5e-4 for the rest (`reinforcement` 1.67); 1,000 pairs of steps.
    Differs: clipping is that of all steps; the code draws a new classification head before each attack for "inverse"
    (a language model keeps its own), and stops where the accuracy on the original task is 80 % or less, which is left
    to the measure of stability.

    Known limits: optimizers, rates and adapters that are not simulated; `one_minus_p` fades once p is small, "inverse"
    only where the target is the least likely token of all. Known breaks: none of others' read for language; ours
    (docs/results/organism.md): a searched training within 8 steps at five of five seeds. Its term has no strength, and
    so no twin without it. Scale: as for `tar` the inner rate must break the subject within the inner steps, else
    nothing is suppressed: watch that `attack_loss_last` falls below `attack_loss_first`.
    """

    name: ClassVar[str] = "sophon"
    version: ClassVar[int] = 2
    example: ClassVar[Mapping[str, Any]] = {
        "train_steps": 4,
        "batch": 4,
        "lr": 1e-2,
        "inner_steps": 3,
        "inner_batch": 3,
        "inner_lrs": [1e-2],
    }

    train_steps: int = Field(ge=1)
    form: Literal["inverse", "one_minus_p", "uniform"] = "inverse"
    inner_steps: int = Field(default=50, ge=1)
    inner_batch: int = Field(default=9, ge=1)
    aside: int = Field(default=1, ge=1)
    inner_optimizer: Literal["sgd", "adamw"] = "sgd"
    inner_lrs: tuple[float, ...] = Field(default=(1e-4,), min_length=1)
    reinforcement: float = Field(default=1.67, gt=0)
    benign_share: float = Field(default=0.5, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """As many harmful rows with their refusals as an inner step draws; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: self.inner_batch + self.aside, **benign_if(self.benign_share)})

    @property
    def load(self) -> Load:
        """Half of a pair of steps: the attack and what is aside, and the kept rows."""
        return Load(rows=(self.inner_steps * (self.inner_batch + self.aside) + self.rows_per_step + 1) // 2)

    @property
    def copies(self) -> int:
        """Weights to put back, the gradient that is collected, the moments of the other optimizer, and inner ones."""
        return 6 if self.inner_optimizer == "adamw" else 4

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step, of either kind."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.meta_learned.sophon import SuppressionInTurn
        from titer.training.objectives.meta_learned.tamper_losses import Suppression
        from titer.training.simulated_attack import Adversary

        adversary = Adversary(
            steps=self.inner_steps,
            batch=self.inner_batch,
            aside=self.aside,
            optimizer=self.inner_optimizer,
            rates=self.inner_lrs,
            switch_share=0.0,
            switch_beta=(1.0, 1.0),
            weight_decay=0.0,
            text="response",
        )
        benign = round(self.rows_per_step * self.benign_share)
        objective = SuppressionInTurn(
            adversary=adversary,
            loss=Suppression(self.form),
            rows=(self.rows_per_step - benign, benign),
            batch=self.batch,
            reinforcement=self.reinforcement,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
