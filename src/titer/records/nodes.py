"""What a node of the store is made of: a method with its parameters, a seed, the subject before it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from titer.records.base import Record, digest
from titer.records.terms import Purpose


class Seed(Record):
    """What a node's randomness is for, and its index: both are in every key and every derivation."""

    purpose: Purpose
    index: int

    @property
    def root(self) -> int:
        """The root that `derive` starts from."""
        return int(digest(self.to_data())[:15], 16)


class Choice(Record):
    """A method by name with its own parameters, as written in a protocol."""

    name: str
    """The name of the method (`titer list attacks`, `defenses`, `probes`, `judges`)."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Those of the method; in a protocol they may stand beside its name."""

    @property
    def label(self) -> str:
        """The name, told apart from another configuration of the same method by four digits of its digest."""
        return f"{self.name}-{digest(self.parameters)[:4]}" if self.parameters else self.name


class SubjectRef(Record):
    """Where a subject is: a node of the store (`source` is None) or a source outside with its digest as key.

    `code` names what the files of a node may ask to be run beside transformers' own code, as its origin may.
    """

    key: str
    source: dict[str, Any] | None = None
    code: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)

    @property
    def allowed_code(self) -> tuple[str, ...]:
        """What its files may ask to be run, wherever it lies."""
        return self.code if self.source is None else tuple(self.source.get("trust_remote_code") or ())

    def made(self, key: str) -> SubjectRef:
        """The node of the store that is made of it."""
        return SubjectRef(key=key, code=self.allowed_code)
