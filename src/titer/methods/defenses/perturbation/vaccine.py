"""Training on refusals that hold while what the attention writes is pushed against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Vaccine(Defense, Training):
    """min over θ of max over ‖ε‖ ≤ rho of ce(refusals; e + ε), e the outputs of all attention modules.

    The maximum is linearized: ε = rho · g/‖g‖ with g = ∂ce/∂e, one norm over all modules, tokens and rows of a step, so
    that twice the rows leave each a shift 1/√2 as long. Source: Huang et al. 2024, arXiv 2402.01109 (NeurIPS 2024);
    code: `VaccineTrainer` of git-disl/Vaccine, trainer.py at 8937f68. Where a step is made of several batches the code
    keeps the gradient of the last alone, and has a norm for each; here the step is one, whatever the batch.

    `perturbation` "random" is the control: the same length in a direction that is drawn, at all tokens but padding, in
    one pass. That of the repository adds noise of variance rho to every element, which is √(numbers/rho) times as long.
    Two passes for a row, and the shifts of a step in memory: blocks · rows · tokens · width numbers, no copy of the
    weights. The paper's settings: rho 2 (swept from 1 to 10), LoRA of rank 8 and alpha 4 with dropout 0.1 on seven
    linears, AdamW at 1e-3, decay 0.1, cosine with 10 % warm-up, batch 5, 50 epochs, no benign rows: `benign_share` is
    ours, and they are shifted too. With dropout the passes differ in what they drop, as in the code. With rho 0 this is
    `refusal_sft`.

    Limits: it sees no harmful row; reported weak against larger rates and shares of harm. Known breaks, ours
    (docs/results/organism.md): the ablation of refusal, at five of five seeds, which refusals alone withstand there.
    Scale: rho is no share of anything. ‖e‖ grows with the root of blocks · rows · tokens · width: at equal size of each
    number, rho 2 on 32 blocks 4096 wide is as much as 0.7 on 30 blocks 576 wide, and 0.12 on 4 blocks 128 wide. The
    numbers of the organism are larger: there rho 2 takes the loss of the first step from 0.009 to 0.014, rho 20 to
    0.37.
    """

    name: ClassVar[str] = "vaccine"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 2
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2, "batch": 4}

    train_steps: int = Field(ge=1)
    rho: float = Field(default=2.0, ge=0)
    perturbation: Literal["gradient", "random"] = "gradient"
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.perturbation.vaccine import Perturbed

        benign = round(self.rows_per_step * self.benign_share)
        objective = Perturbed(
            rows={"refusal": self.rows_per_step - benign, "benign": benign},
            batch=self.batch,
            rho=self.rho,
            perturbation=self.perturbation,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
