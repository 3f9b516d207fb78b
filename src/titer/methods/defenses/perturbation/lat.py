"""Refusing, and unlearning harmful responses, while hidden states are pushed toward harm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.load import Load
from titer.training.recipe import Fraction, Full, Positive, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class LAT(Defense, Training):
    """Targeted latent adversarial training: a round seeks shifts δ, then descends `outer_steps` times under them.

    Inner, over δ with ‖δ‖ ≤ epsilon for each token and place, by `inner_steps` of AdamW at `inner_lr` from zero:
    inner_toward · ce(harmful; δ) + inner_away · away(refusal; δ). Outer, over θ: (toward · ce(refusal; δ) + away ·
    away(harmful; δ) + sft · ce(benign)) / (toward + away + sft). away = −mean log(1 − p), in which a target with log p
    below −5 adds nothing. δ is added to the embeddings and to the feed-forward outputs of the blocks at `depths`, at
    the tokens of the prompt, one for a pair; `perturb_responses` adds those of both responses.
    Source: Sheshadri et al. 2024, arXiv 2407.15549; code: aengusl/latent-adversarial-training at 53ac752,
    latent_at/lat_methods.py, lat_helpers.py and laa/attacks.py; the defaults of its own parameters are those of
    notebooks/jailbreaks.ipynb for Llama-2: blocks 8, 16, 24 and 30 of 32. There it trains a LoRA of rank 64, AdamW at
    2e-5, batch 16, 100 rounds: to be given here.

    Quirks of the code are parameters. `accumulation_drops_shifts`: each batch of a step takes the hooks of the one
    before away, so that only the last is trained under its shifts: of 16 rows in batches of 2 seven eighths are not.
    Off by default, since the paper does not say so; it changes nothing where a step is one batch. `fresh_optimizer`:
    the optimizer begins anew with each round; on by default, as in the notebook. Means are over all targets of a step,
    whatever the batch, where the code has them for each batch.
    `train_steps` counts optimizer steps. For a row (2 · inner_steps / outer_steps) + 3 passes, 11 by default, of which
    those for shifts cost two thirds; no copy of the weights, but the shifts with two moments: places · rows · tokens ·
    width numbers each.

    Limits: made against jailbreaks, with no claim on fine-tuning. Refusal gathers in two directions, so that ablation
    finds it more easily (arXiv 2504.18872). Known breaks, ours (docs/results/organism.md): ten rows, harmless rows and
    one given word, at five of five seeds. The paper's KL in the place of sft (Llama-3) and its unlearning are not
    built. Scale: choose epsilon by the norm of the hidden states. A shift gets no longer than inner_steps · inner_lr ·
    √width, whatever epsilon: 51 for 4096, 19 for 576, 9 for 128; at an `inner_lr` of 1e-3 the ball never binds. Where
    there are few blocks leave the last one out (depths 0.25 and 0.5 of 4): behind it, no token but a prompt's last has
    a say in the response.
    """

    name: ClassVar[str] = "lat"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 5, "lr": 1e-2, "batch": 4, "inner_steps": 2}

    train_steps: int = Field(ge=1)
    epsilon: float = Field(default=6.0, ge=0)
    inner_lr: Positive = 5e-2
    inner_steps: int = Field(default=16, ge=0)
    inner_toward: float = Field(default=0.5, ge=0)
    inner_away: float = Field(default=0.5, ge=0)
    outer_steps: int = Field(default=4, ge=1)
    toward: float = Field(default=0.5, ge=0)
    away: float = Field(default=0.5, ge=0)
    sft: float = Field(default=1.5, ge=0)
    depths: tuple[Fraction, ...] = (0.25, 0.5, 0.75, 0.9375)
    embeddings: bool = True
    perturb_responses: bool = False
    fresh_optimizer: bool = True
    accumulation_drops_shifts: bool = False

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if self.toward + self.away + self.sft == 0:
            raise ValueError("toward, away and sft are all 0")
        if not self.depths and not self.embeddings:
            raise ValueError("nothing is shifted: name depths, or let the embeddings be")
        return self

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones unless they weigh nothing."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.sft)})

    @property
    def load(self) -> Load:
        """Both rows of a pair at each pass, benign ones once; the shifts' passes spread over the steps of a round.

        A pass for shifts has no gradients of weights: a third less operations than one that trains them all.
        """
        one = 2 / 3 if isinstance(self.trainable, Full) else 1
        return Load(rows=math.ceil(self.rows_per_step * (3 + one * 2 * self.inner_steps / self.outer_steps)))

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.perturbation.lat import LatentAdversarial, OuterDescent, ShiftAscent

        ascent = ShiftAscent(
            steps=self.inner_steps,
            lr=self.inner_lr,
            epsilon=self.epsilon,
            toward=self.inner_toward,
            away=self.inner_away,
            responses=self.perturb_responses,
        )
        descent = OuterDescent(
            steps=self.outer_steps,
            toward=self.toward,
            away=self.away,
            benign=self.sft,
            last_only=self.accumulation_drops_shifts,
            fresh_optimizer=self.fresh_optimizer,
        )
        objective = LatentAdversarial(
            pairs=self.rows_per_step,
            batch=self.batch,
            depths=self.depths,
            embeddings=self.embeddings,
            ascent=ascent,
            descent=descent,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
