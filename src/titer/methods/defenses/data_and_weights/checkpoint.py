"""A defended model that somebody else has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from titer.methods.base import Defense
from titer.protocol.allowed_code import AllowedCode
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Checkpoint(Defense):
    """M* is loaded, not made: a published model, a folder, an adapter over `base`, a GGUF file.

    Nothing is known of how it was made; the claim is about this checkpoint alone.
    """

    name: ClassVar[str] = "checkpoint"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"model": "a/model"}

    model: str
    revision: str | None = None
    base: str | None = None
    trust_remote_code: AllowedCode = False

    @property
    def source(self) -> dict[str, Any]:
        """What `titer.models.subject.load` is given."""
        return self.to_data()

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """Yields nothing: the subject is loaded from `source` instead."""
        yield from ()
