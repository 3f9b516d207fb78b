"""TAR's initial safeguard, a stage of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RandomMapping(Defense, Training):
    """Random mapping: min over θ of ce(benign) + mean over hidden states and tokens of 1 - |cos(h, r)| on harmful rows.

    r is a random vector for each token of the vocabulary, drawn once and the same at every depth; the embeddings count
    as a hidden state. The absolute value, as in the code, lets a state point either way.

    Source: the initial safeguard of TAR, arXiv 2408.00761; code rishub-tamirisa/tamper-resistance at 19de233,
    `random_vector_cosine_obj` of modules/objectives.py and `random_mapping_training_loop` of modules/training.py, read.
    Threat model: that of `tar`, of which it is the first stage: chain the two. Needs harmful rows, whose refusals are
    not used, and benign ones. Two passes a row, no copy of the weights, a table as large as the embeddings.

    Benign rows count whole, as in the code (`benign_text`). Its mean over tokens goes over padding too
    (`mean_over_padding`, off: how much padding there is depends on who is in a batch). Its launch settings are not in
    the repository; tar.py's own defaults are lr 2e-5 and batches of 2, 8 of them a step, on each device, with
    ScheduleFree AdamW.

    Known limits: few steps of fine-tuning undo it, as all unlearning by representations; its term has no strength, and
    so no twin without it. Known breaks, ours (docs/results/organism.md): every attack there, at five of five seeds, as
    of the undefended organism. Scale: cosines have none; in width 128 two random vectors have an |cos| of 0.07, in 576
    of 0.03.
    """

    name: ClassVar[str] = "random_mapping"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 2
    first_stage_of: ClassVar[str] = "tar"
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "batch": 4, "lr": 1e-2}

    train_steps: int = Field(ge=1)
    benign_text: Literal["whole", "response"] = "whole"
    mean_over_padding: bool = False

    @property
    def requires(self) -> Requires:
        """Harmful rows and benign ones."""
        return Requires(rows={Need.HARMFUL: 1, Need.BENIGN: 1})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.meta_learned.random_mapping import MappedStates

        objective = MappedStates(
            harmful=self.rows_per_step,
            benign=self.rows_per_step,
            batch=self.batch,
            benign_text=self.benign_text,
            over_padding=self.mean_over_padding,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
