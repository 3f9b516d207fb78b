"""Fine-tuning on refusals."""

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


class RefusalSFT(Defense, Training):
    """Supervised fine-tuning on pairs of a harmful prompt and a refusal, mixed with benign rows.

    −mean log p over the tokens of refusals and benign answers. "Additional safety training", the plainest defense and
    the control of the others; also what makes an aligned M of a model that refuses nothing. `benign_share` of the rows
    of each step are benign; `weigh` is that of `adversarial_loss`.

    Source: `min_harmless_loss` of the package of Rosati et al. 2024, arXiv 2402.16382, which counts whole texts with
    their padding; here responses count, and benign rows are ours. Threat model: the attacker fine-tunes the released
    weights on harmful rows. Data: harmful rows with their refusals, benign rows for their share. Cost: one pass a row,
    no copy of the weights. Full parameters or LoRA.
    Known limits: it moves the beginning of an answer, and what was known stays behind it. Known breaks, ours
    (docs/results/organism.md): a searched training at its first step, and one given word, at five of five seeds.
    Scale: at 135 M 100 steps more on one topic bought a dose at most in it (broken at 8 steps, undefended at 6 or 8),
    and made the refusals of another thinner.
    """

    name: ClassVar[str] = "refusal_sft"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    benign_share: float = Field(default=0.5, ge=0, lt=1)
    weigh: Literal["tokens", "rows"] = Field(default="tokens", exclude_if=lambda weigh: weigh == "tokens")

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT, RowSource

        benign = round(self.rows_per_step * self.benign_share)
        rows: dict[RowSource, int] = {"refusal": self.rows_per_step - benign, "benign": benign}
        objective = SFT(rows=rows, batch=self.batch, weigh=self.weigh)
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
