"""Vaccine at the blocks where harm is learned fastest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.load import Load
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class TargetedVaccine(Defense, Training):
    """T-Vaccine: `vaccine` at `layers` blocks drawn by how steep harm is there, while the others stand still.

    Every `score_every` steps s_b = mean over harmful rows of ‖∂ce(row)/∂e_b‖ is measured, e_b the attention output of
    block b; every `switch_every` steps so many blocks are drawn, without replacement, in proportion to s. ε is one norm
    over the drawn blocks. Source: Liu et al. 2024, arXiv 2410.09760; code: `BaseTrainer` of Lslland/T-Vaccine,
    trainer.py at 4513750, `mesfa` in its scripts.

    Two deviations of the code from the paper are parameters. `scored_rows`: the code's pool holds 200 rows, and its
    loader takes one of them a time, so that 1 is what it does; 200, or all there are, is the default. `freeze`: the
    code switches the adapters of the attention alone ("attention"), the paper whole blocks ("block", the default).
    What belongs to no block is trained throughout; an adapter has no such weights.
    Two passes for a row, beside those that are scored. The paper's settings: rho 3 (unconfirmed: an argument of the
    script), 8 of 32 blocks, LoRA of rank 8 and alpha 4 with dropout 0.1 on seven linears, AdamW at 1e-3, decay 0.1,
    cosine with 10 % warm-up, batch 10, 20 epochs. `benign_share` is ours. With all blocks drawn this is `vaccine`.

    Limits: those of `vaccine`; whether a block is drawn does not say that its weights are what harm needs. Known
    breaks: none read of the method itself (TamperBench's port of `vaccine` collapses by itself, arXiv 2602.06911, from
    notes on it; attackers who know its objective are tried in arXiv 2605.14605, not read). Ours: a searched training at
    its first step, and one given word, at five of five seeds (docs/results/organism.md).
    Scale: a quarter of the blocks: 8 of 30, 1 of 4. For rho see `vaccine`, with the drawn blocks counted only.
    """

    name: ClassVar[str] = "targeted_vaccine"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 2
    example: ClassVar[Mapping[str, Any]] = {
        "train_steps": 4,
        "lr": 1e-2,
        "batch": 4,
        "layers": 1,
        "switch_every": 2,
        "score_every": 3,
    }

    train_steps: int = Field(ge=1)
    rho: float = Field(default=3.0, ge=0)
    layers: int = Field(default=8, ge=1)
    switch_every: int = Field(default=20, ge=1)
    score_every: int = Field(default=200, ge=1)
    scored_rows: int = Field(default=200, ge=1)
    freeze: Literal["block", "attention"] = "block"
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    @property
    def load(self) -> Load:
        """The rows of a step, and the scored ones, which go through once, spread over the steps."""
        scored = math.ceil(self.train_steps / self.score_every) * self.scored_rows / self.train_steps
        return Load(rows=self.rows_per_step + math.ceil(scored / self.passes))

    def check(self, subject: Subject) -> None:
        """The subject has so many blocks."""
        from titer.training.representations import depths

        blocks = depths.depth(subject)
        if self.layers > blocks:
            problem = f"{self.layers} blocks are to be drawn, and the model has {blocks}"
            raise InputError("layers", problem, "Draw a quarter of them, as the paper does.")

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.perturbation.targeted_vaccine import Targeted

        self.check(subject)
        benign = round(self.rows_per_step * self.benign_share)
        objective = Targeted(
            rows={"refusal": self.rows_per_step - benign, "benign": benign},
            batch=self.batch,
            rho=self.rho,
            layers=self.layers,
            switch_every=self.switch_every,
            score_every=self.score_every,
            scored_rows=self.scored_rows,
            freeze=self.freeze,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
