"""Refusals that begin late: the subject learns to turn back from a harmful answer that it has begun."""

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


class DeepSafety(Defense, Training):
    """Supervised fine-tuning on refusals, of which some come behind the first k tokens of the harmful answer.

    −mean log p over all counted tokens of safety rows and benign rows together. A safety row is prompt + refusal or,
    with the chance `begun_share`, prompt + k harmful tokens + refusal, k uniform on 1 .. `longest`; the refusal alone
    is counted. Source: Qi et al. 2024, arXiv 2406.05946 (ICLR 2025), data augmentation; code:
    Unispac/shallow-vs-deep-alignment, finetuning_buckets/trainer/trainer.py at fb1749e (`gen_safety_augmentation_batch`
    and `get_batch_loss_metrics`). Threat model of the paper: answers that are begun for the subject, and sampling;
    fine-tuning only in so far as alignment is no longer a few tokens deep.

    `benign_share` of the rows of a step are benign, the anchor: in the code 64 of 80, answered by the model itself. As
    there, all tokens count alike, so that the share of the refusals falls with the length of benign answers; `weigh`
    "rows" gives either the share that its rows have. One row at least is a refusal. Ours: k is drawn among the tokens
    before the end of the answer, and only as many as fit the context beside the refusal (the code cuts answers at 512
    tokens, prompt included, and may take their end along); `longest_share` bounds k by a share of the answer.

    The paper's settings: rate 2e-5, AdamW, constant, 10 epochs of 256 triples, no warm-up. Cost: 1 pass, of rows that
    are longer by k tokens; 5 times the rows of refusals alone. Limits: recovery is learned up to `longest` tokens, and
    answers begun further on are reported to get by (arXiv 2510.18081); an attacker can train on the very tokens. Small
    models: at 1 M parameters answers have some ten tokens, so that k would span them whole: let `longest_share` be 0.5;
    135 M: as it is.
    """

    name: ClassVar[str] = "deep_safety"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    begun_share: float = Field(default=0.5, ge=0, le=1)
    longest: int = Field(default=100, ge=1)
    longest_share: float = Field(default=1.0, gt=0, le=1)
    benign_share: float = Field(default=0.8, ge=0, lt=1)
    weigh: Literal["tokens", "rows"] = "tokens"

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.deep_safety import LateRefusals

        benign = min(round(self.rows_per_step * self.benign_share), self.rows_per_step - 1)
        objective = LateRefusals(
            refusals=self.rows_per_step - benign,
            benign=benign,
            batch=self.batch,
            begun_share=self.begun_share,
            longest=self.longest,
            longest_share=self.longest_share,
            weigh=self.weigh,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
