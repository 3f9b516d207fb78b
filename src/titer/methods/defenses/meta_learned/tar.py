"""Tampering attack resistance: a defense trained against attacks that it simulates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.load import Load
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject
    from titer.training.objectives.meta_learned.tamper_losses import TamperLoss


class TAR(Defense, Training):
    """min over θ of tamper_scale · E Σ_i w_i · L(θ_i) + retain_scale · (ce(benign) + representation distance).

    Each step simulates an attack: `inner_steps` of AdamW with fresh states and a rate of `inner_lrs`, on harmful rows,
    or, with chance `switch_share`, on benign ones up to a point drawn from Beta(6, 3). L is read on harmful rows
    that no attack sees (`held_out`), after every `subsample`-th inner step, weighed by exp(schedule_lambda · (i - (K -
    1))): minus the entropy of the next token ("entropy"), or a preference for the refusal ("preference", DPO). First
    order: the gradient at θ_i counts as one at θ. The distance is the mean length of h - h_ref over hidden states and
    tokens of benign rows. The reference is the subject before the first step; behind `random_mapping`, its first stage,
    in a chain it is the model before that, as in the code.

    Source: arXiv 2408.00761; code rishub-tamirisa/tamper-resistance at 19de233, modules/training.py,
    modules/objectives.py and run_tar_bio.sh, read, and run_tar_dpo.sh at fae6509. Threat model: the attacker fine-tunes
    the released weights. Needs harmful rows, for preferences with refusals, and benign ones. With the defaults a step
    costs 64 passes of 4 rows, 16 of a batch and one more. Beside the gradient it holds five more copies of the trained
    weights: the ones to put back, two moments of the inner AdamW, the gradient that is collected, and the reference.

    Losses are on whole conversations, as in the code (`text`). Its means over tokens go over padding too
    (`mean_over_padding`, off: how much there is depends on who is in a batch). Its bio run has 750 steps of 8 rows
    a device, lr 2e-5, 32 steps of warm-up, ScheduleFree AdamW and no clipping, with the defaults here; its preference
    run 100 steps of two attacks of 8 inner steps (batch 1, subsample 1), tamper_scale 0.1, lr 6e-5 and no distance.
    Two parts of it are left out: a bound that drops L where the sum over an attack falls below -ln V (off in all its
    runs), and inner warm-up, whose factor is a constant there.

    Known breaks: other seeds and orders of rows, warm-up with a cosine, adapters, and benign fine-tuning first (arXiv
    2412.07097); uniform text is not a refusal: coherence must be read. Ours (docs/results/organism.md): ten rows,
    harmless rows, and one given word, at five of five seeds. Scale: inner rates are those of 8 billion weights. Take
    those at which the attack breaks the undefended model within K steps, else nothing is resisted: `attack_loss_last`
    must fall well below `attack_loss_first`. At 1 M 3e-4 does that in 64 steps; untried at 135 M.
    """

    name: ClassVar[str] = "tar"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {
        "train_steps": 3,
        "batch": 4,
        "lr": 1e-2,
        "inner_steps": 4,
        "inner_lrs": [1e-3, 1e-2],
        "subsample": 2,
    }

    train_steps: int = Field(ge=1)
    objective: Literal["entropy", "preference"] = "entropy"
    beta: float = Field(default=0.1, gt=0)
    inner_steps: int = Field(default=64, ge=1)
    inner_batch: int = Field(default=4, ge=1)
    inner_lrs: tuple[float, ...] = Field(default=(2e-6, 2e-5, 4e-5), min_length=1)
    attacks_per_step: int = Field(default=1, ge=1)
    switch_share: float = Field(default=1 / 3, ge=0, le=1)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    subsample: int = Field(default=4, ge=1)
    schedule_lambda: float = Field(default=0.0625, ge=0)
    tamper_scale: float = Field(default=4.0, ge=0)
    retain_scale: float = Field(default=1.0, gt=0)
    representation_scale: float = Field(default=1.0, ge=0)
    text: Literal["whole", "response"] = "whole"
    mean_over_padding: bool = False

    @model_validator(mode="after")
    def _check_attack(self) -> Self:
        if self.subsample > self.inner_steps:
            raise ValueError("subsample is at most inner_steps, else no inner step counts")
        if not all(rate > 0 for rate in self.inner_lrs):
            raise ValueError("inner_lrs are above 0")
        return self

    @property
    def requires(self) -> Requires:
        """Harmful rows enough to hold some out, with refusals for preferences, and benign ones."""
        harmful = Need.PAIRS if self.objective == "preference" else Need.HARMFUL
        return Requires(rows={harmful: 2, Need.BENIGN: 1})

    @property
    def load(self) -> Load:
        """The inner steps, the held-out rows at those that count, benign rows, and the reference's third of a pass."""
        own, held = self.rows_per_step, self.rows_per_step * (2 if self.objective == "preference" else 1)
        attack = self.inner_steps * self.inner_batch + self.inner_steps // self.subsample * held
        reference = own // 3 if self.representation_scale else 0
        return Load(rows=(self.attacks_per_step * attack if self.tamper_scale else 0) + own + reference)

    @property
    def copies(self) -> int:
        """The weights to put back, the moments of the attack, the gradient that is collected, and the reference."""
        return 5

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.meta_learned.tar import TamperResistance
        from titer.training.simulated_attack import Adversary

        adversary = Adversary(
            steps=self.inner_steps,
            batch=self.inner_batch,
            aside=0,
            optimizer="adamw",
            rates=self.inner_lrs,
            switch_share=self.switch_share,
            switch_beta=(6.0, 3.0),
            weight_decay=0.01,
            text=self.text,
        )
        objective = TamperResistance(
            adversary=adversary,
            loss=self._loss(),
            attacks=self.attacks_per_step,
            rows=self.rows_per_step,
            batch=self.batch,
            held_out=self.held_out,
            subsample=self.subsample,
            decay=self.schedule_lambda,
            tamper_scale=self.tamper_scale,
            retain_scale=self.retain_scale,
            representation_scale=self.representation_scale,
            over_padding=self.mean_over_padding,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def _loss(self) -> TamperLoss:
        from titer.training.objectives.meta_learned.tamper_losses import NegativeEntropy, RefusalPreference

        if self.objective == "entropy":
            return NegativeEntropy(over_padding=self.mean_over_padding)
        return RefusalPreference(beta=self.beta)
