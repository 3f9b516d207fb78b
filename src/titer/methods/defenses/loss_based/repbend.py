"""Representation bending: hidden states of unsafe responses are driven away from where they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.load import Load
from titer.training.recipe import Full, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RepBend(Defense, Training):
    """min over θ of alpha · N_s - beta · N_u + gamma · C + epsilon · KL, on hidden states of response tokens.

    N_s = mean of ‖h - h0‖ over all layers and tokens of safe responses, N_u the same over the target layers and tokens
    of unsafe ones, subtracted; C = mean over target layers and pairs of unsafe conversations of 1 - cos at the last
    token of the request, which makes harmful requests alike; KL = 4 · Σ KL(p0 ‖ p) at temperature 2 over retained rows.
    A step of B rows draws its 5B conversations as `crl` does.

    Source: Yousefpour et al. 2025, arXiv 2504.01550; code: AIM-Intelligence/RepBend, methods/rep_bending/trainer.py at
    8220c87. Threat model: jailbreaks; nothing is claimed of fine-tuning. Needs pairs and benign
    rows.

    `layers` and `depths` are those of `crl`. Quirks of the code: `kl_sums_tokens` as in `crl`; before the first step
    all terms but C are stationary, so that gamma = 0 never starts except from rounding. `cap` is ours: N_u is
    unbounded, and where it is above so many median norms of h0 (logged as `hidden_norm`) its gradient is left out.

    Cost: that of `crl`. Limits: without a cap unsafe states may run away, and the model with them: on the tiny subject
    of the tests N_u is 200 times the norm of h after 50 steps at lr 1e-2. Known breaks: `crl`'s paper reports more
    success of attacks on embeddings; ours (docs/results/organism.md): a searched training at one of five seeds. Small
    models: a cap of 2, epsilon by the length of rows. The script's settings: LoRA of rank 16, alpha 16, dropout .05 on
    all linears up to the last target, lr 1e-5 constant, batch 4 · 4, 450 steps.
    """

    name: ClassVar[str] = "repbend"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "batch": 4}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=0.5, ge=0)
    beta: float = Field(default=0.5, ge=0)
    gamma: float = Field(default=0.1, ge=0)
    epsilon: float = Field(default=0.3, ge=0)
    depths: tuple[float, float] = (0.62, 0.94)
    layers: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    cap: float | None = Field(default=None, gt=0)
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

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """Where unsafe states may be driven off without end."""
        if self.beta == 0 or self.cap is not None:
            return ()
        return ("repbend without a cap drives unsafe hidden states off without end. Set cap, unless this is meant.",)

    def check(self, subject: Subject) -> None:
        """The subject has the target layers."""
        self._targets(subject)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.repbend import Bending

        objective = Bending(
            batch=self.batch,
            batches=self.accumulation,
            weights=(self.alpha, self.beta, self.gamma, self.epsilon),
            targets=self._targets(subject),
            cap=self.cap,
            sums_tokens=self.kl_sums_tokens,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def _targets(self, subject: Subject) -> tuple[int, ...]:
        from titer.training.representations import depths

        return depths.between(subject, self.depths) if self.layers is None else depths.numbered(subject, self.layers)
