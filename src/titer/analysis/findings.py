"""What was found, as frozen records: curves joined to an assay, and the findings and the verdict that rest on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from titer.analysis.sentences.text import Text
from titer.data.identifiers import ProbeId
from titer.data.splits import Overlap
from titer.protocol.attack_families import AttackFacts
from titer.protocol.schema import Protocol
from titer.records import CellPurpose, Choice, DoseFacts, Kind, Outcome, Record, Role
from titer.study.judging import SeenHarm
from titer.study.tasks import CellSpec, Earlier

Guards = Literal["measurement", "power"]
RemarkCode = Literal[
    "high threshold", "low budget", "no training", "one run",
    "easy stability", "lenient setting", "not asked", "other tries unknown",
]  # fmt: skip


class DosePoint(Record):
    """A dose of a curve: its facts, and per probe and judge role the value of each item in the probe's order."""

    facts: DoseFacts
    values: dict[ProbeId, dict[str, tuple[float | None, ...]]]


class Curve(Record):
    """The cells of one subject, attack, domain (or task) and seed joined along the doses, as far as they were read.

    `failed` says why the attack failed by its own doing, if it did.
    """

    cells: tuple[CellSpec, ...] = Field(min_length=1)
    points: tuple[DosePoint, ...]
    failed: str | None = None

    @property
    def purpose(self) -> CellPurpose:
        """What it is for."""
        return self.cells[0].purpose

    @property
    def subject(self) -> Role:
        """The part that its model plays."""
        return self.cells[0].subject

    @property
    def domain(self) -> str | None:
        """The harm domain that it is about, if it is about one."""
        return self.cells[0].domain

    @property
    def task(self) -> str | None:
        """The benign task that it is about, if it is about one."""
        return self.cells[0].task

    @property
    def attack(self) -> str:
        """The label of its attack."""
        return self.cells[0].attack

    @property
    def index(self) -> int:
        """The seed index of its replicate."""
        return self.cells[0].index

    @property
    def configuration(self) -> Choice | None:
        """The attack's parameters, where a search chose them."""
        return self.cells[0].configuration

    @property
    def trial(self) -> int | None:
        """The number of the trial, if it is one of a search."""
        return self.cells[0].trial

    @property
    def doses(self) -> tuple[int, ...]:
        """The ladder that it is read along."""
        return tuple(sorted({dose for cell in self.cells for dose in cell.doses}))


class FailedMake(Record):
    """A seed index whose defended subject could not be made, and why: a replicate without curves of M*."""

    index: int
    reason: str


class Assay(Record):
    """The protocol with all its curves; all that conclusions rest on.

    `subjects` names the keys of the models that play each part: one, or one for every seed of a method. `items` gives
    the items of each probe in the order of the values, as numbers that are equal where the items are; `kinds` the kind
    of the judge that fills each `probe` and role; `chance` the rate by guessing of each task. `failed_makes` are
    replicates of a claim about a method that have no M* at all: they do not hold. `earlier` are the verdicts that the
    study follows, oldest first; `attacks` has facts of each attack of the protocol by its label. `seen_harm` is what
    the judges made of known texts before the run; None where that was not asked.
    """

    protocol: Protocol
    subjects: dict[str, tuple[str, ...]]
    items: dict[ProbeId, tuple[str, ...]]
    kinds: dict[ProbeId, dict[str, Kind]]
    chance: dict[ProbeId, float | None]
    curves: tuple[Curve, ...]
    overlaps: tuple[Overlap, ...]
    failed_makes: tuple[FailedMake, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    attacks: dict[str, AttackFacts] = Field(default_factory=dict)
    seen_harm: tuple[SeenHarm, ...] | None = None

    @property
    def digest(self) -> str:
        """That of the protocol."""
        return self.protocol.digest


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

    `guards` says of a control what it guards: every number, or what is upheld alone.

    `level` is the one-sided error level of the outcome; `remedy` what to do about it where something can be done;
    `sentence` is what a reviewer may quote of a decided claim; `provisional` names what the outcome still lacks. All
    are in English, and with `_zh` in Chinese.
    """

    name: str
    kind: Literal["condition", "control"]
    outcome: Outcome
    guards: Guards | None = Field(default=None, exclude_if=lambda guards: guards is None)
    reason: str
    reason_zh: str = ""
    level: float | None = None
    remedy: str | None = None
    remedy_zh: str | None = None
    sentence: str | None = None
    sentence_zh: str | None = None
    figures: tuple[Figure, ...] = ()
    provisional: str | None = None
    provisional_zh: str | None = None

    @classmethod
    def of(
        cls,
        name: str,
        kind: Literal["condition", "control"],
        outcome: Outcome,
        *,
        reason: Text,
        remedy: Text | None = None,
        sentence: Text | None = None,
        provisional: Text | None = None,
        level: float | None = None,
        figures: tuple[Figure, ...] = (),
        guards: Guards | None = None,
    ) -> Finding:
        """A finding from what is said of it in both languages.

        Args:
            name: of the condition or control.
            kind: which of the two.
            outcome: what is decided.
            reason: why.
            remedy: what to do about it.
            sentence: what may be quoted.
            provisional: what the outcome still lacks.
            level: the one-sided error level.
            figures: the numbers.
            guards: what a control guards.
        """
        said: dict[str, str | None] = {}
        for field, text in (("remedy", remedy), ("sentence", sentence), ("provisional", provisional)):
            said |= {field: text and text.en, f"{field}_zh": text and text.zh}
        more = {"reason": reason.en, "reason_zh": reason.zh, "level": level, "figures": figures, "guards": guards}
        return cls.model_validate({"name": name, "kind": kind, "outcome": outcome, **more, **said})


class Remark(Record):
    """Something that a study chose and that makes `upheld` easier to get, in words and in numbers.

    `about` names the domain, attack, setting or condition; `numbers` are counts, doses or shares by what they are.
    """

    code: RemarkCode
    about: str
    said: str
    said_zh: str
    numbers: dict[str, float]

    @classmethod
    def of(cls, code: RemarkCode, about: str, text: Text, numbers: Mapping[str, float]) -> Remark:
        """A remark from what it says in both languages."""
        return cls(code=code, about=about, said=text.en, said_zh=text.zh, numbers=dict(numbers))


class Verdict(Record):
    """The whole: its outcome and what that means, what the study did not check, and every finding.

    `remarks` are on what it chose. `parent` says of a defense whether the model without it is public, and then at which
    doses that one breaks.
    """

    study: str
    digest: str
    outcome: Outcome
    reason: str
    reason_zh: str = ""
    unchecked: tuple[str, ...] = ()
    unchecked_zh: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = Field(default=(), exclude_if=lambda remarks: not remarks)
    conditions: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    scope: dict[str, Any]
    subjects: dict[str, tuple[str, ...]]
    earlier: tuple[Earlier, ...] = ()
    parent: str | None = Field(default=None, exclude_if=lambda said: said is None)
    parent_zh: str | None = Field(default=None, exclude_if=lambda said: said is None)


def values_of(point: DosePoint, probe: ProbeId, role: str) -> tuple[float | None, ...] | None:
    """The readings of one judge at a dose, or None when it was not asked or not judged there."""
    by_role: Mapping[str, tuple[float | None, ...]] = point.values.get(probe, {})
    return by_role.get(role)
