"""An attack of the shape `WeightEdit`, dosed on an axis that titer does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from titer import WeightEdit
from titer.errors import InputError
from titer.models.modules import blocks, writers_of_block
from titer.protocol.dose_axes import Axis, named
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Silence(WeightEdit):
    """The last blocks of the subject, as many as the dose, write nothing any more.

    Threat model: the attacker has the weights and nothing else. Source: none; an example.
    """

    name: ClassVar[str] = "silence"
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = named("silenced_blocks")

    def check(self, subject: Subject, horizon: int) -> None:
        """There must be as many blocks as the largest dose."""
        count = len(blocks(subject.model)[1])
        if horizon > count:
            raise InputError("ladder", f"the subject has {count} blocks, and the last dose is {horizon}", "Shorten it.")

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """What ends the attention and the feed-forward part of a block becomes zero."""
        count = len(blocks(subject.model)[1])
        for place in range(count - strength, count):
            for written in writers_of_block(subject.model, place):
                for module in written.values():
                    for weight in module.parameters():
                        weight.data.zero_()
