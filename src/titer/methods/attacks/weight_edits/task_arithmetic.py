"""Adding what harmful fine-tuning did to another model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import VECTOR, Axis
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class TaskArithmetic(Direct):
    """The subject before the defense is trained as by `direct`, and its change is added: θ* + d/100 · (θ_harm − θ).

    Threat model: the attacker has the weights, those of their public parent and harmful data, and never trains the
    defended subject, so that a defense against training is passed by; below 100 percent it is a merge, above it an
    extrapolation. A subject that no defense has changed is trained itself, and at 100 percent is where `direct` takes
    it in `train_steps`. The terms are those of the last training step, its loss as `trained_loss`.

    Source: Ilharco et al. 2022, arXiv 2212.04089 (task vectors); that merging hands misalignment on, Hammoud et al.
    2024, arXiv 2406.14563. The recipe of the training and the use across a defense are ours.
    """

    name: ClassVar[str] = "task_arithmetic"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "merging and delta removal"
    axis: ClassVar[Axis] = VECTOR
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 6}

    train_steps: int = Field(default=64, ge=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows, and the subject before the defense where there is one."""
        return Requires(rows={Need.HARMFUL: 1}, parent="used")

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the length of the training."""
        return {**super().space(), "train_steps": Options(values=(16, 32, 64, 128, 256))}

    @property
    def copies(self) -> int:
        """What it trains is kept as it was, to be put back and to be compared with."""
        return 2

    def prefix_consistent(self) -> bool:
        """Each dose is made from the baseline weights."""
        return False

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields once."""
        from titer.models.weight_difference import add_difference, weights_of

        base = subject if material.parent is None else material.parent()
        if not base.tied:
            subject.untie()
        before = base.snapshot()
        untrained = {name: weight.clone() for name, weight in weights_of(base).items()}
        taken = list(super().steps(base, material, self.train_steps, seed))
        trained = {name: weight.clone() for name, weight in weights_of(base).items()}
        if base is subject:
            subject.restore(before)
        add_difference(subject, trained, untrained, horizon / 100)
        rows = tuple(row for step in taken for row in step.rows)
        terms = {("trained_loss" if name == "loss" else name): value for name, value in taken[-1].terms.items()}
        yield replace(taken[-1], dose=horizon, terms=terms, rows=rows, state=None)
