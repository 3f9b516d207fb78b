"""Contrastive representation learning: unsafe hidden states gather apart from where they and safe ones were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.load import Load
from titer.training.recipe import Full, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject

_Distance = Literal["norm", "cosine"]


class CRL(Defense, Training):
    """min over θ of alpha · L_s + beta · L_u + epsilon · KL, a triplet loss on the hidden states of response tokens.

    L_s = mean of relu(d1(h, h0) - d2(h, μ) + margin_p) over all layers and tokens of safe responses, L_u = mean of
    relu(d3(h, μ) - d4(h, h0) + margin_n) over the target layers and tokens of unsafe ones; h0 is the state before the
    training, μ the mean unsafe state of the layer, with its gradient. KL = 4 · Σ KL(p0 ‖ p) at temperature 2 over
    retained rows. A step of B rows draws 2B harmful responses as unsafe, the refusals of B of them and B benign answers
    as safe, and B benign answers to retain: 5B conversations. d is "norm" (‖x − y‖) or "cosine" (1 − cos).

    Source: Simko et al. 2025, arXiv 2506.11938; code: samuelsimko/crl-llm-defense at 3e177d2, methods/triplet/
    trainer.py and train.sh. Threat model: jailbreaks and attacks on embeddings; the paper claims
    nothing of fine-tuning, and a port that others tested under this name (last token, normalized, other margins) is
    another loss. Needs pairs and benign rows.

    `layers` are the target layers, numbers of hidden states (0 the embeddings, i the output of block i counted from 1);
    without them those between the shares `depths`, 20 to 30 of 32 in its script. Quirks of the code:
    `kl_sums_tokens` divides KL by rows only, so that it grows with their length: as there, on by default. With the
    default distances no hinge is ever off, so that margins only shift the loss. Its gamma and eta are never used and
    left out here, its alpha or beta of 0 fails there and works here, and the mining of hard negatives, off in its
    script, is left out. The paper's margins, 500 and 1500, belong to norms in all four places.

    Cost: 5 plain passes a row, and as many forward ones of the reference: 6.5 to 7 times refusal training in counted
    operations. With an adapter no copy of the weights, else one. Bounded below by 0. Limits: with norms its strength
    hangs on ‖h‖, logged as `hidden_norm`; its authors' form gave gibberish to those who ported it: look at coherence
    first. Known breaks: none read for this loss (a port under its name comes within 0.04 of no defense in TamperBench,
    arXiv 2602.06911; from notes on it). Ours (docs/results/organism.md): no training breaks it within 16 steps, but up
    to four fifths of answers after one step are loops of a word that no judge can read. Small models: a batch of 8 or
    more, since μ is of few rows; epsilon by the length of rows. Long hidden states: a distance that is a length
    outweighs one that is a cosine by ‖h‖. On the organism (85) 200 steps at 5e-5 with alpha 0.25 and beta 1.2 left L_u
    at 3.45, where it began; alpha 0.05 and beta 6 at 1e-3 brought it to 1.35. At 135 M the defaults did no more than
    noise (docs/results/smollm2.md). Its script: LoRA of rank 16, alpha 16, dropout .05 on all linears up to the last
    target, lr 1e-4 constant, batch 4 · 4, 900 steps.
    """

    name: ClassVar[str] = "crl"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "batch": 4}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=0.5, ge=0)
    beta: float = Field(default=0.6, ge=0)
    epsilon: float = Field(default=0.7, ge=0)
    margin_p: float = 2.0
    margin_n: float = 3.0
    safe_dist_p: _Distance = "norm"
    safe_dist_n: _Distance = "cosine"
    unsafe_dist_p: _Distance = "cosine"
    unsafe_dist_n: _Distance = "cosine"
    depths: tuple[float, float] = (0.62, 0.94)
    layers: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    kl_sums_tokens: bool = True

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones."""
        return Requires(rows={Need.PAIRS: 1, Need.BENIGN: 1})

    @property
    def load(self) -> Load:
        """Five conversations a row, each of which the reference reads too."""
        return Load(rows=5 * self.rows_per_step, read=5 * self.rows_per_step)

    @property
    def copies(self) -> int:
        """The reference; with an adapter it is the subject without it."""
        return int(isinstance(self.trainable, Full))

    def check(self, subject: Subject) -> None:
        """The subject has the target layers."""
        self._targets(subject)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.crl import Triplet, Triplets

        objective = Triplet(
            batch=self.batch,
            batches=self.accumulation,
            weights=(self.alpha, self.beta, self.epsilon),
            safe=Triplets(margin=self.margin_p, positive=self.safe_dist_p, negative=self.safe_dist_n),
            unsafe=Triplets(margin=self.margin_n, positive=self.unsafe_dist_p, negative=self.unsafe_dist_n),
            targets=self._targets(subject),
            sums_tokens=self.kl_sums_tokens,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def _targets(self, subject: Subject) -> tuple[int, ...]:
        from titer.training.representations import depths

        return depths.between(subject, self.depths) if self.layers is None else depths.numbered(subject, self.layers)
