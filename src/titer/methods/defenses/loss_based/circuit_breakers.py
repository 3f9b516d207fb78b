"""Circuit breakers: hidden states of harmful conversations are turned away from where they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.load import Load
from titer.training.recipe import Full, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class CircuitBreakers(Defense, Training):
    """min over θ of c_r(t) · mean ‖h - h0‖ (retained) + c_s(t) · mean relu(cos(h, h0)) (harmful), h0 before training.

    Representation rerouting. The first mean is over all layers and tokens of benign answers and refusals, the second
    over the target layers and tokens of harmful conversations; at step t, counted from 1, c_s = alpha · (1 - t/S) and
    c_r = alpha · t/S · retain_weight. A step of B rows draws B harmful rows and B retained ones, of which
    `refusal_share` are refusals.

    Source: Zou et al. 2024, arXiv 2406.04313; code: GraySwanAI/circuit-breakers, known through the copy
    in AIM-Intelligence/RepBend, methods/circuit_breaker/trainer.py at 8220c87, which was read. Threat model:
    jailbreaks, an input-space defense. Needs harmful and benign rows, and refusals for their share.

    `layers` are the target layers, numbers of hidden states (0 the embeddings, i the output of block i counted from 1);
    without them the outputs nearest to the shares `depths`, 10 and 20 of 32 in the paper. Quirks of the code:
    `schedule_steps`, S, is fixed at 300 there with 150 steps, and is twice the steps of the training here unless it is
    given; `retain_counts_padding`, off here, has the retained mean over padding, too (its rows are padded to 1,024).
    Blocks above the last target, dropped there while training, stay here, and are retained as all others. The last
    hidden state is normed already.

    Cost: 2 plain passes, and 2 forward ones of the reference, 2.3 to 2.6 times refusal training in counted operations:
    with an adapter no copy of the weights, else one.
    Bounded below by 0; at the start both gradients are exactly 0 (cos = 1 and norm = 0 are stationary), so that the
    code's first step is rounding, which Adam makes large: two machines go two ways. `first_step` "drawn", the default,
    draws its direction from the seed instead, and "rounding" leaves it so. Broken by embedding attacks with several
    starts (Schwinn and Geisler 2024, arXiv 2407.15902), and by little fine-tuning. Small models: `retain_weight`,
    ours and 1 in the paper, by 1/‖h‖ (logged as `hidden_norm`): the retained mean is a length, whose gradient does not
    shrink with ‖h‖ as that of a cosine does. Look at `reroute_cosine`: where it stays at 1, nothing was turned. On
    the organism (‖h‖ 81) 200 steps at 1e-3 ended at 0.995 with weight 1 (alpha 30), at 0.03 with 0.1 (alpha 10).
    The paper's settings: alpha 10 (Llama-3-8B) or 5 (Mistral), LoRA of rank 16, alpha 16, dropout .05 on blocks up to
    the last target, lr 1e-4 constant, batch 16, 150 steps.
    """

    name: ClassVar[str] = "circuit_breakers"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=10.0, ge=0)
    retain_weight: float = Field(default=1.0, ge=0)
    refusal_share: float = Field(default=0.5, ge=0, le=1)
    depths: tuple[float, ...] = Field(default=(0.31, 0.62), min_length=1)
    layers: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    schedule_steps: int | None = Field(default=None, ge=1)
    retain_counts_padding: bool = False
    first_step: Literal["drawn", "rounding"] = "drawn"

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        if self.schedule_steps is not None and self.schedule_steps < self.train_steps:
            raise ValueError("schedule_steps is below train_steps, so that harmful states would be turned back")
        return self

    @property
    def requires(self) -> Requires:
        """Harmful rows, with refusals and with benign rows for their shares."""
        refusals = {Need.PAIRS if self._refusals else Need.HARMFUL: 1}
        return Requires(rows={**refusals, **benign_if(self._refusals < self.batch)})

    @property
    def load(self) -> Load:
        """Two conversations a row, each of which the reference reads too."""
        return Load(rows=2 * self.rows_per_step, read=2 * self.rows_per_step)

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
        from titer.training.objectives.loss_based.circuit_breakers import Rerouting

        objective = Rerouting(
            harmful=self.batch,
            refusals=self._refusals,
            benign=self.batch - self._refusals,
            batches=self.accumulation,
            alpha=self.alpha,
            keep=self.retain_weight,
            schedule=self.schedule_steps or 2 * self.train_steps,
            targets=self._targets(subject),
            counts_padding=self.retain_counts_padding,
            draws_start=self.first_step == "drawn",
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)

    @property
    def _refusals(self) -> int:
        return round(self.batch * self.refusal_share)

    def _targets(self, subject: Subject) -> tuple[int, ...]:
        from titer.training.representations import depths

        return depths.at(subject, self.depths) if self.layers is None else depths.numbered(subject, self.layers)
