"""What was found, as frozen records: curves joined to an assay, and the findings and the verdict that rest on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from titer.data.splits import Overlap
from titer.protocol.attack_families import AttackFacts
from titer.records import Choice, DoseFacts, Kind, Outcome, Record, Role
from titer.study.tasks import Earlier


class DosePoint(Record):
    """A dose of a curve: its facts, and per probe and judge role the value of each item in the probe's order."""

    facts: DoseFacts
    values: dict[str, dict[str, tuple[float | None, ...]]]


class Curve(Record):
    """The cells of one subject, attack, domain (or task) and seed along the ladder.

    Where a search chose the attack's parameters, `configuration` holds them, and `trial` the number of a trial.
    """

    purpose: Literal["resistance", "generalization", "sham", "stability", "trainability", "trial"]
    subject: Role
    domain: str | None
    task: str | None
    attack: str
    index: int
    cell: str
    doses: tuple[int, ...]
    points: tuple[DosePoint, ...]
    failed: str | None = None
    configuration: Choice | None = Field(default=None, exclude_if=lambda chosen: chosen is None)
    trial: int | None = Field(default=None, exclude_if=lambda number: number is None)


class FailedMake(Record):
    """A seed index whose defended subject could not be made, and why: a replicate without curves of M*."""

    index: int
    reason: str


class Assay(Record):
    """The protocol (as plain data) with all its curves; all that conclusions rest on.

    `subjects` names the keys of the models that play each part: one, or one for every seed of a method. `items` gives
    the item ids of each probe in the order of the values; `kinds` the kind of the judge that fills each `probe` and
    role; `chance` the rate by guessing of each task. `failed_makes` are replicates of a claim about a method that have
    no M* at all: they do not hold. `earlier` are the verdicts that the study follows, oldest first; `attacks` has facts
    of each attack of the protocol by its label.
    """

    protocol: dict[str, Any]
    digest: str
    subjects: dict[str, tuple[str, ...]]
    items: dict[str, tuple[str, ...]]
    kinds: dict[str, dict[str, Kind]]
    chance: dict[str, float | None]
    curves: tuple[Curve, ...]
    overlaps: tuple[Overlap, ...]
    replaced: tuple[str, ...] = ()
    failed_makes: tuple[FailedMake, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    attacks: dict[str, AttackFacts] = Field(default_factory=dict)


class Figure(Record):
    """One number of a finding, with what it is and the limits it was given."""

    what: str
    subject: Role | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    count: int | None = None
    of: int | None = None
    outcome: str = ""
    note: str = ""


class Finding(Record):
    """What one condition or one control says, with the numbers it rests on and the reason in words.

    `level` is the one-sided error level of the word; `remedy` what to do about it where something can be done;
    `sentence` is what a reviewer may quote of a decided claim, `sentence_zh` the same in Chinese; `provisional` names
    what the word still lacks.
    """

    name: str
    kind: Literal["condition", "control"]
    outcome: Outcome
    reason: str
    level: float | None = None
    remedy: str | None = None
    sentence: str | None = None
    sentence_zh: str | None = None
    figures: tuple[Figure, ...] = ()
    provisional: str | None = None


class Verdict(Record):
    """The whole: a word, the sentence it stands for, and every finding."""

    study: str
    digest: str
    outcome: Outcome
    reason: str
    conditions: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    scope: dict[str, Any]
    subjects: dict[str, tuple[str, ...]]
    earlier: tuple[Earlier, ...] = ()


def values_of(point: DosePoint, probe: str, role: str) -> tuple[float | None, ...] | None:
    """The readings of one judge at a dose, or None when it was not asked or not judged there."""
    by_role: Mapping[str, tuple[float | None, ...]] = point.values.get(probe, {})
    return by_role.get(role)
