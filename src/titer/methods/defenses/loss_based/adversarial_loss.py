"""The seed paper's own defense: refuse well, and be bad at the harmful response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.defenses.unbounded import notice
from titer.methods.requires import Need, Requires, benign_if
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class AdversarialLoss(Defense, Training):
    """min over θ of ce(refusal) - weight · ce(harmful), on pairs that share their prompt.

    Source: Rosati et al. 2024, arXiv 2402.16382, the demonstration of immunization; code: `adversarial_loss` of the
    original package, immunization_llms/training.py in boyiwei/RepNoise-Reproduce at a35c98a, with
    `masked_token_ce_loss`, the same there and in loss.py of domenicrosati/representation-noising at a1c3298 (both
    read). Threat model: the attacker fine-tunes the released weights on harmful pairs.

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

    Data: harmful rows with their refusals, benign rows for their share. Cost: two passes a row (2.0 times plain
    fine-tuning), no copy of the weights. Full parameters or LoRA.
    Known limits: ascent has a gradient of constant size, so that unclamped the loss rises without bound, and abilities
    go with it. Generalization to what it was not fed is refuted in our studies. Known breaks: none of others' read; in
    ours (docs/results) a searched training breaks it within 4 to 8 steps on the organism and by 4 on SmolLM2-135M,
    the undefended models at the first; at a fixed 5e-5 the organism breaks between 32 and 64, undefended by 16.
    Scale: take a clamp of ln V of the model or just below (7 on the organism, whose ln V is 7.06). With it weights from
    0.1 to 16 come to the same; with 14 or 28 stability is refuted, and what resists is damage. At 135 M it took
    refusals of a topic that it never saw from 97 to 52 of 100.
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
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

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
