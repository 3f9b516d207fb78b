"""A defended model that somebody else has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.protocol.allowed_code import AllowedCode
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Checkpoint(Defense):
    """M* is loaded, not made: a published model, a folder, an adapter over `base`, a GGUF file.

    Nothing is known of how it was made; the claim is about this checkpoint alone. Where it was published without a
    tokenizer, `tokenizer` names the model, most often its parent, whose tokenizer it takes.
    """

    name: ClassVar[str] = "checkpoint"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"model": "a/model"}

    model: str
    revision: str | None = None
    base: str | None = None
    tokenizer: str | None = Field(default=None, exclude_if=lambda name: name is None)
    trust_remote_code: AllowedCode = False

    @property
    def source(self) -> dict[str, Any]:
        """What `titer.models.subject.load` is given."""
        return self.to_data()

    @model_validator(mode="after")
    def _check_tokenizer(self) -> Self:
        if self.tokenizer is not None and (self.base is not None or self.model.endswith(".gguf")):
            raise ValueError("an adapter has the tokenizer of its base, and a GGUF file one of its own")
        return self

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """Yields nothing: the subject is loaded from `source` instead."""
        yield from ()
