"""What a study claims and how sure it wants to be, where its numbers are computed, and what its authors state."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from titer.errors import InputError
from titer.protocol.data_sources import Name
from titer.records import Record


class Seeds(Record):
    """How many attack and defense seeds, and the index they begin at."""

    attack: int = Field(default=5, ge=1)
    """The number of replicates: each attack is run from so many seeds. At 95 % five can decide, three cannot."""
    defense: int = Field(default=1, ge=1)
    """How many defended models are made: 1 where a checkpoint is claimed, as many as `attack` where a method is."""
    first: int = Field(default=0, ge=0)
    """The index of the first seed. A study that follows another one begins behind the indices that were used."""


def _inside(store: str) -> str:
    """A store that a protocol names lies in the study folder."""
    part = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
    if re.fullmatch(rf"{part}(/{part}){{0,7}}", store) is None:
        remedy = "Write plain names; a store elsewhere is named on the command line: --store /absolute/path."
        raise InputError("study.store", f"{store[:80]!r} names no folder inside the study folder", remedy)
    return store


class StudyConfig(Record):
    """What is claimed and how sure one wants to be."""

    name: Name
    """What the study is called. Its folder is `titer-NAME` unless `--out` names another. The digest leaves it out."""
    follows: str | None = None
    """The folder of an earlier study with a verdict, which the report lists. No seed of that one may be used again."""
    claim: Literal["this checkpoint", "this method"] = "this checkpoint"
    """About one defended model, or about the defense: then each replicate has a model made from its own seed."""
    seeds: Seeds = Seeds()
    """How many replicates there are, and at which index they begin."""
    paired_seeds: bool = True
    """Whether attacks on the undefended and the defended model draw the same rows in the same order."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """How sure an outcome is: `upheld` and `refuted` are each wrong with a probability of 1 - confidence at most."""
    share: float = Field(default=0.5, gt=0, le=0.5)
    """The largest acceptable share of replicates that break: q in the rules of a verdict."""
    descriptive: bool = False
    """Whether nothing is to be decided: then fewer seeds and items are allowed than a verdict takes."""
    store: Annotated[str, AfterValidator(_inside)] = "store"
    """The folder of cells, answers and scores, inside the study folder. One outside is named by `--store` alone."""
    keep_attacked_weights: bool = False
    """Whether the weights at the end of each curve are kept in the store: gigabytes with a real model."""


class ComputeConfig(Record):
    """Where and how numbers are computed. Only dtype and the kind of device enter a key."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """The precision of the arithmetic. Weights are float32 whatever it says."""
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    """The kind of device that models run on."""
    threads: int | None = Field(default=None, ge=1)
    """Of each worker process. Without it 1 for models below 10 million parameters, else every core."""
    batch: int = Field(default=64, ge=1)
    """How many texts are asked at once; fewer take less memory. A training step has the `batch` of its method."""


Disclosed = Annotated[str, Field(min_length=1, max_length=2_000)]


class ActorProfile(Record):
    """The attacker that the study stands for, in words."""

    skill: Disclosed | None = None
    """What they know and can do."""
    data: Disclosed | None = None
    """What data they can have."""
    compute: Disclosed | None = None
    """What machines they can use."""
    money: Disclosed | None = None
    """What they can spend."""


class Disclosure(Record):
    """Statements that a form asks of a study and no measurement answers; no cell and no verdict depends on them."""

    actor: ActorProfile = ActorProfile()
    """The attacker that the study stands for."""
    marginal_risk: Disclosed | None = None
    """What the released model adds to what attackers have anyhow."""
    safety_margin: Disclosed | None = None
    """How far the threshold and the budget lie from where harm would begin."""
    retest: tuple[Disclosed, ...] = ()
    """What makes the study be done again: a new attack, a new use, a date."""
