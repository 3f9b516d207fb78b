"""The names of probes and splits: what they are, and how they are written in files."""

from __future__ import annotations

from typing import Any, Literal, Self, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

ProbeKind = Literal[
    "harm", "plain", "reframed", "trial", "utility", "task", "select", "over_refusal", "usable", "harmful"
]


class _Name(str):
    """A string with parts, which a record keeps as that string."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class ProbeId(_Name):
    """A probe of a study, as `harm:DOMAIN`, or `harm:DOMAIN#PLACE` where each replicate has items of its own.

    `harm`, `plain`, `reframed` and `trial` ask the prompts of a harm domain (as an attack has it asked; as the study
    asks; as an attack asks, before its training; those that searches may see), `task` and `select` the items of a
    benign task, `harmful` the harmful responses of a domain, whose loss is read; `over_refusal`, `usable` and `utility`
    (the harmless answers by which searches see what an attack costs) stand alone.

    >>> ProbeId.of("harm", "vaults")
    'harm:vaults'
    >>> own = ProbeId.of("harm", "vaults", place=2)
    >>> own, own.name, own.place
    ('harm:vaults#2', 'vaults', 2)
    >>> ProbeId("harm:vaults").kind, ProbeId("harm:vaults").name, ProbeId("over_refusal").name
    ('harm', 'vaults', '')
    """

    @classmethod
    def of(cls, kind: ProbeKind, name: str = "", *, place: int | None = None) -> Self:
        """The probe of that kind, of a domain or a task; of the items of one place where each has its own."""
        of_all = f"{kind}:{name}" if name else kind
        return cls(of_all if place is None else f"{of_all}#{place}")

    @property
    def kind(self) -> ProbeKind:
        """What kind of probe it is."""
        return cast(ProbeKind, self.partition(":")[0])

    @property
    def name(self) -> str:
        """The domain or the task; empty where it is about neither."""
        return self.partition(":")[2].partition("#")[0]

    @property
    def place(self) -> int | None:
        """The place whose own items it asks; None where all replicates are asked the same."""
        place = self.partition("#")[2]
        return int(place) if place else None


class SplitId(_Name):
    """A split of a study, as `domain/NAME/SPLIT`, `task/NAME/SPLIT` or `benign/SPLIT`; or all rows of a domain.

    >>> SplitId.domain("vaults", "attack"), SplitId.benign("sham"), SplitId.task("facts", "train")
    ('domain/vaults/attack', 'benign/sham', 'task/facts/train')
    >>> SplitId("domain/vaults/attack").owner, SplitId("domain/vaults/attack").part
    ('domain/vaults', 'attack')
    """

    @classmethod
    def domain(cls, name: str, part: str) -> Self:
        """A split of a harm domain."""
        return cls(f"domain/{name}/{part}")

    @classmethod
    def knowledge(cls, name: str) -> Self:
        """Every row of a harm domain, whatever split it is in: no split, but what a preparation teaches."""
        return cls.domain(name, "knowledge")

    @classmethod
    def task(cls, name: str, part: str) -> Self:
        """A split of a benign task."""
        return cls(f"task/{name}/{part}")

    @classmethod
    def benign(cls, part: str) -> Self:
        """A split of the benign rows, all sources joined."""
        return cls(f"benign/{part}")

    @property
    def owner(self) -> str:
        """What the split belongs to."""
        return self.rpartition("/")[0]

    @property
    def part(self) -> str:
        """The name of the split itself."""
        return self.rpartition("/")[2]
