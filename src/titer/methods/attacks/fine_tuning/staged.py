"""Fine-tuning in two stages: benign and then harmful rows, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.errors import InputError
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.training.recipe import LoRA
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Staged(Direct):
    """`direct` on benign rows for `switch` optimizer steps, then on harmful rows; or harmful rows `first`.

    Threat model: the attacker has the weights, harmful and benign rows, and trains twice. Benign rows first take the
    subject away from where its defense was made; benign rows last (laundering) give back the fluency that a harmful
    training cost. Source: the `retain` to `forget` red teaming of Tamirisa et al. 2024 (TAR), arXiv 2408.00761, which
    switches after 40 percent of the steps; a number of steps, so that one curve serves every dose, is ours, and so are
    `first = "harmful"`, `keep_optimizer` and `merge`.

    Each stage goes through the schedule from its beginning. `keep_optimizer` lets the optimizer keep its moments;
    `merge` puts a fresh adapter on the merged weights, where else the same one goes on. The loss on benign rows is
    called `benign_loss`.
    """

    name: ClassVar[str] = "staged"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "staged training"
    example: ClassVar[Mapping[str, Any]] = {"switch": 2}

    first: Literal["benign", "harmful"] = "benign"
    switch: int = Field(default=16, ge=1)
    keep_optimizer: bool = False
    merge: bool = False

    @model_validator(mode="after")
    def _check_merge(self) -> Self:
        if self.merge and not isinstance(self.trainable, LoRA):
            raise ValueError("merge needs an adapter: with every weight trained there is none")
        if self.merge and self.keep_optimizer:
            raise ValueError("keep_optimizer needs merge = false: a fresh adapter has no moments to keep")
        return self

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, which rows come first, and whether the optimizer keeps its moments."""
        return {
            **super().space(),
            "first": Options(values=("benign", "harmful")),
            "keep_optimizer": Options(values=(False, True)),
        }

    @property
    def requires(self) -> Requires:
        """Rows of both kinds."""
        return Requires(rows={Need.HARMFUL: 1, Need.BENIGN: 1})

    def check(self, subject: Subject, horizon: int) -> None:
        """The modules to train must be found, and the second stage must begin before the last dose."""
        check_switch(self.switch, horizon)
        super().check(subject, horizon)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.staged import Stage, Turn, train_in_stages

        benign = Stage(rows=material.benign, term="benign_loss")
        harmful = Stage(rows=material.train, term="loss")
        stages = (benign, harmful) if self.first == "benign" else (harmful, benign)
        turn = Turn(switch=self.switch, keep_optimizer=self.keep_optimizer, merge=self.merge)
        yield from train_in_stages(subject, material, self, stages, turn, horizon=horizon, seed=seed)


def check_switch(switch: int, horizon: int) -> None:
    """Look whether the second of two stages begins before the horizon.

    Raises:
        InputError: if it does not.
    """
    if switch >= horizon:
        problem = f"the second stage begins after step {switch}, and the last dose is {horizon}"
        raise InputError("switch", problem, f"Make it less than {horizon}, or lengthen the ladder.")
