"""Representation misdirection for unlearning: harmful conversations are read as one random vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.load import Load
from titer.training.recipe import Full, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RMU(Defense, Training):
    """min over θ of forget_weight · mean (h - c · u)² (harmful) + alpha · mean (h - h0)² (benign), h at one layer.

    Means are over tokens and coordinates; h0 is the state before training, u a vector of norm 1 drawn once, uniform in
    the orthant of positive coordinates, c the `steering_coeff`. Only the matrices that write the feed-forward output of
    three blocks are trained, those of the layer and of the two below. A step of B rows draws B harmful and B benign.

    Source: Li et al. 2024, arXiv 2403.03218; code: centerforaisafety/wmdp, known through its copies in jeanne-s/
    wmdp_rec, old_rmu/unlearn.py at 0c88b31, and in AIM-Intelligence/RepBend, methods/rmu/ at 8220c87, both read.
    Threat model: knowledge is asked for; fine-tuning is not in it. Needs harmful and benign rows.

    `layer` is the number of a hidden state (i is the output of block i counted from 1: the paper's layer 7, counted
    from 0, is 8 here); without it the output nearest to the share `depth`. `updated` are the trained blocks, counted
    from 1. `counts_padding`, a quirk of the code, is off here: there both means are over the padding of a batch, too.
    `forget_weight` is ours: 0 is the control without the harmful term, which steering_coeff = 0 is not (it pulls h to
    0). One vector serves all harmful rows; the code has one for each of its topics.

    Cost: 2 forward passes, backward ones that end at the lowest trained block, and 1 forward one of the reference: as
    much as refusal training in counted operations. With an adapter no copy of the weights, else one. Bounded below by
    0. Known breaks: fine-tuning of a few steps; ours (docs/results/organism.md): ten rows or one given word at five of
    five seeds, as they break refusals alone. Small models: c and alpha by the norm of h, logged as `hidden_norm`; both
    defaults are those of a model of 7 B, and alpha 1200 keeps one of 16 coordinates where it was, as 30 does not. The
    last hidden state is normed, and no layer to take. The paper's settings for a model of 7 B: c 6.5, alpha 1200, lr
    5e-5, batch 4, 150 steps, no clipping; the code's own defaults are c 20, alpha 100, 80 steps. Here gradients are
    clipped at 1 unless `clip` says otherwise.
    """

    name: ClassVar[str] = "rmu"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2}

    train_steps: int = Field(ge=1)
    steering_coeff: float = Field(default=6.5, ge=0)
    alpha: float = Field(default=1200.0, ge=0)
    forget_weight: float = Field(default=1.0, ge=0)
    depth: float = Field(default=0.25, gt=0, le=1)
    layer: int | None = Field(default=None, ge=1)
    updated: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    counts_padding: bool = False

    @property
    def requires(self) -> Requires:
        """Harmful rows and benign ones."""
        return Requires(rows={Need.HARMFUL: 1, Need.BENIGN: 1})

    @property
    def load(self) -> Load:
        """Two conversations a row, one of which the reference reads too; the way back through three blocks is short."""
        return Load(partly=2 * self.rows_per_step, read=self.rows_per_step)

    @property
    def copies(self) -> int:
        """The reference; with an adapter it is the subject without it."""
        return int(isinstance(self.trainable, Full))

    def check(self, subject: Subject) -> None:
        """The subject has the layer, and the blocks, and none of these is above it."""
        self._places(subject)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.rmu import Misdirection

        layer, updated = self._places(subject)
        objective = Misdirection(
            batch=self.batch,
            batches=self.accumulation,
            weights=(self.forget_weight, self.alpha),
            steering=self.steering_coeff,
            layer=layer,
            updated=updated,
            counts_padding=self.counts_padding,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def _places(self, subject: Subject) -> tuple[int, tuple[int, ...]]:
        """The layer, and the blocks that are trained."""
        from titer.training.representations import depths

        (layer,) = (
            depths.at(subject, (self.depth,))
            if self.layer is None
            else depths.numbered(subject, (self.layer,), "layer")
        )
        updated = range(max(1, layer - 2), layer + 1) if self.updated is None else self.updated
        for block in updated:
            if not 1 <= block <= layer:
                problem = f"block {block} does not write what is read at layer {layer}"
                raise InputError("updated", problem, f"Write numbers from 1 to {layer}, or leave it out.")
        return layer, tuple(updated)
