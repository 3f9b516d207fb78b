"""Representation noising: refuse well, and hold nothing but noise about harmful responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RepNoise(Defense, Training):
    """min over θ of ce(refusal) + beta · N(θ) - alpha · log H(θ), on pairs that share their prompt.

    N is the maximum mean discrepancy between what the feed-forward parts write on harmful responses and Gaussian noise
    drawn anew at each step, the mean over blocks. H = 1 + [ce(harmful) + Σ ce(harmful read off hidden state i)] /
    (L + 1), i = 0 to L, each hidden state through the final norm and the head. All terms count the tokens at which the
    two padded conversations of a pair differ.

    Source: Rosati et al. 2024, arXiv 2405.14577; code: domenicrosati/representation-noising, loss.py at a1c3298, read
    whole. Threat model: the attacker fine-tunes the released weights on harmful pairs. Needs pairs.

    Quirks of the code, each on as there: `mask_zeroes_logits`, so that the first token of every differing run is never
    trained in either part; `plus_one`, without which the published log of the demonstration is; `norms_last_twice`, the
    lens norms the last hidden state again. L + 2 losses are divided by L + 1. `benign_share` and `weigh` are ours, as
    in `adversarial_loss`; the code has no benign rows, and keeps abilities by a small beta and a single epoch only.
    With alpha and beta 0 this is `adversarial_loss` with weight 0, and not plain refusal training.

    Cost: 2 plain passes, and L + 1 passes through the head at the tokens that differ, made twice. In counted operations
    that is 2.9 times refusal training where the head has 3 % of the weights, and 7.9 times where it has 21 %, as in a
    model of 135 M, and answers half of the tokens; `titer plan` reckons with 3. No copy of the weights.
    Limits: log ascent slows but does not end, H goes far above ln V; in the published log N *rises*, and the ascent
    does the work, so that beta = 0 is a control to run beside it. N of a batch of one is a constant, and values at
    different batches do not compare. Broken by disjoint or reshuffled attack data, another seed or template, and benign
    rows (Qi et al. 2024, arXiv 2412.07097), and by rates of 3e-4 in the paper itself. Very sensitive to lr, alpha and
    beta: the README asks for a grid. Ours: a searched training within 4 steps at five of five seeds of the organism.
    Small models: at 1 M weights, with half of the rows benign, the rate decides: refusals stay at 3.5e-5 to 4.1e-5 for
    alpha 0.1 and 1, and at 2.7e-4 and 6.1e-4 all go (its trials there). At 135 M 100 steps at 5e-5 left loops of one
    word part where refusals were (docs/results/smollm2.md). The paper's settings: alpha 1, beta 0.001, lr 2e-5, batch
    8, one epoch of 10,000 pairs, Adam, cosine with 10 % warm-up.
    """

    name: ClassVar[str] = "repnoise"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 3
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=1.0, ge=0)
    beta: float = Field(default=0.001, ge=0)
    mask_zeroes_logits: bool = True
    plus_one: bool = True
    norms_last_twice: bool = True
    benign_share: float = Field(default=0.0, ge=0, lt=1)
    weigh: Literal["tokens", "rows"] = "tokens"

    @model_validator(mode="after")
    def _check_batches(self) -> Self:
        if self.beta and 1 in (self._pairs, self.batch, self._pairs % self.batch):
            raise ValueError(f"beta needs two pairs in every batch, and a step has {self._pairs}, {self.batch} at once")
        return self

    @property
    def _pairs(self) -> int:
        return self.rows_per_step - round(self.rows_per_step * self.benign_share)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones for their share."""
        return Requires(rows={Need.PAIRS: 1, **benign_if(self.benign_share)})

    def check(self, subject: Subject) -> None:
        """The subject has a feed-forward output in each block, and a norm before its head."""
        from titer.training.representations import hidden_states, lens

        hidden_states.mlps(subject)
        lens.final_norm(subject)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.repnoise import Noising

        objective = Noising(
            pairs=self._pairs,
            benign=self.rows_per_step - self._pairs,
            batch=self.batch,
            alpha=self.alpha,
            beta=self.beta,
            plus_one=self.plus_one,
            norms_last_twice=self.norms_last_twice,
            zeroed=self.mask_zeroes_logits,
            weigh=self.weigh,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
