"""The seed paper's own defense: refuse well, and be bad at the harmful response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.defenses.unbounded import notice
from titer.methods.requires import Need, Requires
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class AdversarialLoss(Defense, Training):
    """min over θ of ce(refusal) - weight · ce(harmful), on pairs that share their prompt.

    Source: Rosati et al. 2024, arXiv 2402.16382, the demonstration of immunization; code: `adversarial_loss` of the
    original package with `masked_token_ce_loss` of representation-noising. Threat model: the attacker
    fine-tunes the released weights on harmful pairs.

    `mask` says which targets count: "paired_difference", as in the code, those where the two padded conversations
    differ, with the logits zeroed where they do not, so that the first token of every differing run is never trained;
    "response" all response tokens. `clamp` is ours: where the harmful loss, in nats per token, is above it, its
    gradient is left out, since it is unbounded. `benign_share` is ours as well: that share of the rows beside the
    harmful ones are benign, as in `refusal_sft`, which with weight 0 and the response mask this is. Their tokens and
    those of refusals count alike, so that long benign answers outweigh short refusals: `weigh` "rows" gives either the
    share that its rows have.

    A subject that says each of V tokens as likely as any other has a loss of ln V. Without a clamp, or above ln V, it
    is trained to be surely wrong, which is no forgetting and easily seen: `titer plan` says where that is so.
    The paper's settings: weight 0.1, lr 1e-5, batch 4, cosine with 10 % warm-up, Adam, no clamp, no benign rows.
    """

    name: ClassVar[str] = "adversarial_loss"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 2
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    weight: float = Field(default=0.1, ge=0)
    mask: Literal["paired_difference", "response"] = "paired_difference"
    clamp: float | None = Field(default=None, gt=0)
    benign_share: float = Field(default=0.0, ge=0, lt=1)
    weigh: Literal["tokens", "rows"] = Field(default="tokens", exclude_if=lambda weigh: weigh == "tokens")

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals; benign rows where it is to train on some."""
        return Requires(rows={Need.PAIRS: 1, **({Need.BENIGN: 1} if self.benign_share else {})})

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """Where the harmful loss may rise above that of a guess."""
        return notice(self.name, self.clamp, vocabulary) if self.weight else ()

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.adversarial_loss import Contrast

        benign = round(self.rows_per_step * self.benign_share)
        objective = Contrast(
            pairs=self.rows_per_step - benign,
            benign=benign,
            batch=self.batch,
            weight=self.weight,
            mask=self.mask,
            clamp=self.clamp,
            weigh=self.weigh,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
