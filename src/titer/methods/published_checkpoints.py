"""Defended models that others have released: which, on what parent, under which license, and where that was read."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from pydantic import Field

from titer.records import Record, tupled

_FILE = files("titer.methods") / "published_checkpoints.toml"
NONE_STATED: Final = "none stated"
"""The license of a model whose page was read and states none."""


class PublishedCheckpoint(Record):
    """A defended model on the hub, as read of it; what is None was not read.

    Attributes:
        model: its hub id.
        method: the defense, as its authors call it.
        paper: the arXiv id of the paper that the model belongs to.
        guards: whether it should go on refusing, or which knowledge it should lack (the parts of WMDP).
        parent: the hub id of the undefended model.
        gated: whether the parent is given only to those who agree to its license.
        revision: a full commit that was seen.
        license: as the model's own page states it, or `NONE_STATED`.
        adapter: whether it is an adapter over its parent.
        tokenizer: whether its files have one.
        safetensors: whether its weights are safetensors.
        sources: where all this was read.
        note: what else to know before it is used.
    """

    model: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    method: str
    paper: str = Field(pattern=r"^\d{4}\.\d{5}$")
    guards: tuple[Literal["refusal", "bio", "cyber", "chem"], ...] = Field(min_length=1)
    parent: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    gated: bool | None = None
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    license: str | None = None
    adapter: bool = False
    tokenizer: bool | None = None
    safetensors: bool | None = None
    sources: tuple[str, ...] = Field(min_length=1)
    note: str | None = None

    @property
    def refuses(self) -> bool:
        """Whether it should go on refusing; else it should lack knowledge."""
        return self.guards == ("refusal",)


@cache
def published() -> tuple[PublishedCheckpoint, ...]:
    """Every one that titer knows of, in the order of the file."""
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))["checkpoint"]
    return tuple(PublishedCheckpoint.model_validate(tupled(entry)) for entry in listed)
