"""Training that makes a step toward harm gain less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Booster(Defense, Training):
    """min over θ of f(θ) + lam · (h(θ) − h(θ − alpha · ∇h/‖∇h‖)), f = ce(refusals), h = ce(harmful responses).

    What one normalized harmful step would gain is attenuated; second derivatives are dropped. Source: Huang et al.
    2024, arXiv 2409.01586 (ICLR 2025); code: `BoosterAlignmentTrainer` of git-disl/Booster, trainer.py at 6421918.
    The harmful rows of a step are as many as the others, and drawn in an order of their own, as in the code.

    Three passes for a row; copies of the gradient and of the weights that are trained. The paper's settings: lam 5
    (swept from 1 to 20), alpha 0.1 (0.01 to 0.5), LoRA of rank 32 and alpha 4 on q, k and v, AdamW at 5e-4 constant,
    decay 0.1, batch 10, 20 epochs, no benign rows. `benign_share` is ours: that share of the rows beside the harmful
    ones are benign. With lam 0 this is `refusal_sft`.

    Limits: it foresees one step of plain gradient descent on rows like its own. Clipping bounds the whole gradient, so
    that a large difference shrinks the share of f.
    Known breaks: in TamperBench (arXiv 2602.06911; from notes on it) attacks come within 0.04 of what they do to no
    defense; attackers who know the objective are tried in arXiv 2605.14605, not read. Ours: one given word
    breaks it at five of five seeds (docs/results/organism.md).
    Scale: `alpha` is a length in the space of the weights that are trained, so it means another thing for an adapter
    than for all weights. A step of AdamW at rate r moves N weights by about r · √N: 0.9 at 1e-3 and 0.9 million, 0.1 at
    1e-5 and 135 million. With `alpha` far below that the difference is the curvature along ∇h, and grows with `alpha`.
    """

    name: ClassVar[str] = "booster"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 3
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2, "batch": 4}

    train_steps: int = Field(ge=1)
    lam: float = Field(default=5.0, ge=0)
    alpha: float = Field(default=0.1, gt=0)
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    @property
    def copies(self) -> int:
        """The harmful gradient, and the weights to put back."""
        return 2

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.perturbation.booster import Attenuation

        benign = round(self.rows_per_step * self.benign_share)
        objective = Attenuation(
            rows={"refusal": self.rows_per_step - benign, "benign": benign},
            harmful=self.rows_per_step,
            batch=self.batch,
            alpha=self.alpha,
            lam=self.lam,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
