"""Training on the refusals that harmful fine-tuning takes away first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.seeds import derive
from titer.training.load import Load
from titer.training.recipe import Positive, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class VAA(Defense, Training):
    """Vulnerability-aware alignment: min over θ of max over q of Σ q_g · ce(refusals of group g), at shifted weights.

    A pilot fine-tunes a copy on harmful rows; the refusals that it forgets at least once are one group, the others the
    other. Each step draws a group by q, and after it q_g is multiplied by exp(eta · l / q_g), l the loss, and kept
    within 0.1 and 0.9. With chance lam · t / train_steps the gradient is that at θ + rho · g/‖g‖ (SAM).
    Source: Chen et al. 2025, arXiv 2506.03850 (ICML 2025); code: `DROSamplingTrainer` of ChanLiang/VAA, trainer.py at
    e00cbf4, with script/vaa_pipeline_llama.sh. The text speaks of a mix of both gradients; the code takes one or the
    other by chance, and so does this.

    The pilot is ours: the repository holds its result alone (a list of rows), not how it was made. A row is safe while
    its refusal is likelier, by the mean over its tokens, than its harmful response; `pilot_checks` times it is looked
    at, and each change from safe to unsafe counts. It trains on the harmful and benign rows of the defense and no
    others, `pilot_poison` of them harmful (0.1 is what the scripts of the attack have), after `pilot_align_steps` on
    refusals, for a subject that does not refuse yet. A pilot that forgets none, or all, fails: change `pilot_steps`.

    About 1 + lam/2 passes for a row, beside the pilot; a copy of the trained weights on shifted steps, and one of all
    weights during the pilot. The paper's settings: eta 0.007, rho 0.4, lam 1, all weights trained, AdamW at 1e-4
    constant, decay 0.1, batch 8, 2000 rows, 5 epochs. `benign_share` is ours; benign rows have no say in q. Limits: it
    foresees forgetting like that of its pilot. Known breaks: attackers who know the objective are tried in
    arXiv 2605.14605, not read. Ours: a searched training within 2 steps, and one given word, at five of
    five seeds (docs/results/organism.md). Scale: rho is a length over all weights that are trained; 0.4 is as far as
    one step of AdamW at rate 3e-5 moves 135 million, at 4e-4 a million (booster says more).
    """

    name: ClassVar[str] = "vaa"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {
        "train_steps": 3,
        "lr": 1e-2,
        "batch": 4,
        "pilot_steps": 6,
        "pilot_lr": 1e-2,
        "pilot_poison": 1.0,
    }

    train_steps: int = Field(ge=1)
    eta: float = Field(default=0.007, ge=0)
    rho: float = Field(default=0.4, ge=0)
    lam: float = Field(default=1.0, ge=0, le=1)
    benign_share: float = Field(default=0.0, ge=0, lt=1)
    pilot_steps: int = Field(ge=1)
    pilot_align_steps: int = Field(default=0, ge=0)
    pilot_lr: Positive = 1e-5
    pilot_poison: float = Field(default=0.1, gt=0, le=1)
    pilot_checks: int = Field(default=10, ge=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it or its pilot is to train on some."""
        benign = self.benign_share or self.pilot_poison < 1
        return Requires(rows={Need.PAIRS: 1, **benign_if(benign)})

    @property
    def load(self) -> Load:
        """The rows of a step, half of them again for the shift by the end; before, what the pilot trains and reads."""
        rows = math.ceil(self.rows_per_step * (1 + self.lam / 2))
        pilot = self.rows_per_step * (self.pilot_steps + self.pilot_align_steps)
        return Load(rows=rows, trained_before=pilot, read_before=2 * (self.pilot_checks + 1))

    @property
    def copies(self) -> int:
        """The weights to put back, after the pilot and after a shift."""
        return 1

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step; the pilot goes before the first, and is not repeated."""
        from titer.training.forgetting_pilot import Pilot, forgetting
        from titer.training.loop import Recipe, train
        from titer.training.objectives.perturbation.vaa import GroupRobust

        pilot = Pilot(
            training=self.model_copy(update={"lr": self.pilot_lr}),
            aligned_steps=self.pilot_align_steps,
            steps=self.pilot_steps,
            poison=self.pilot_poison,
            checks=self.pilot_checks,
        )
        benign = round(self.rows_per_step * self.benign_share)
        objective = GroupRobust(
            refusals=self.rows_per_step - benign,
            benign=benign,
            batch=self.batch,
            forgotten=None if carry else forgetting(subject, material, pilot, derive(seed, "pilot")),
            eta=self.eta,
            rho=self.rho,
            lam=self.lam,
            steps=self.train_steps,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
