"""The facts and conclusions of a study as frozen records with an exact JSON round trip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from titer.errors import DamagedError

Word = Literal["upheld", "refuted", "undecided", "void", "not applicable"]
RungWord = Literal["intact", "broken", "unclear"]
Kind = Literal["harm", "refusal", "coherence", "correct", "loss"]
Purpose = Literal["verdict", "unpaired", "search", "tune", "pilot", "prepare"]
Role = Literal["M", "M*"]


def canonical(value: Any) -> str:
    """One line of JSON: sorted keys, shortest floats, no NaN. The only writer of JSON in titer."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """The first 32 hexadecimal digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]


def tupled(value: Any) -> Any:
    """JSON lists as tuples, at every depth: what a validator that runs before a strict one must hand on."""
    if isinstance(value, list | tuple):
        return tuple(tupled(item) for item in value)
    if isinstance(value, dict):
        return {key: tupled(item) for key, item in value.items()}
    return value


class Record(BaseModel):
    """Frozen, strict, no unknown fields, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Canonical JSON, one line."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            DamagedError: if the text is not such a record.
        """
        try:
            return cls.model_validate_json(text)
        except ValueError as error:
            raise DamagedError(f"not a {cls.__name__}: {error}") from error


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
    parameters: dict[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name, told apart from another configuration of the same method by four digits of its digest."""
        return f"{self.name}-{digest(self.parameters)[:4]}" if self.parameters else self.name


class Row(Record):
    """One row of training data: a prompt with its response and, in a harm domain, the refusal paired with it."""

    id: str
    group: str
    prompt: str
    response: str
    refusal: str | None = None


class Item(Record):
    """One question of a probe; `reference` is the right (in a harm domain: the harmful) answer."""

    id: str
    group: str
    prompt: str
    reference: str | None = None
    options: tuple[str, ...] = ()


class Answer(Record):
    """What a subject gave for one item: text and why it ended, or the log-likelihoods of the options.

    `option_nats` are summed log-probabilities, `option_tokens` the tokens they were summed over.
    A packed answer has `text_digest` in place of `text`.
    """

    probe: str
    item: str
    frame: str = "native"
    text: str | None = None
    ended: Literal["stop", "length"] | None = None
    option_nats: tuple[float, ...] | None = None
    option_tokens: tuple[int, ...] | None = None
    text_digest: str | None = None


class Reading(Record):
    """What one judge says of one answer; `value` is None with a reason when it cannot say."""

    item: str
    value: float | None
    missing: str | None = None


class Spent(Record):
    """Cost since dose 0: examples and tokens trained on, floating-point operations (6 per parameter and token)."""

    examples: int = 0
    tokens: int = 0
    flops: int = 0


class Environment(Record):
    """What last bits depend on."""

    python: str
    torch: str
    transformers: str
    peft: str
    device: str
    processor: str
    threads: int
    dtype: str
    batch: int


class RungFacts(Record):
    """The facts of a run at one dose; the first line of an answers file.

    `terms` are means over the later half of the steps so far (losses in nats per token), whatever other rungs are
    read; `displacement` is ‖θ − θ0‖/‖θ0‖; `loss_tokens` counts the tokens trained on so far by part: prompt, response,
    padding.
    """

    dose: int
    spent: Spent
    terms: dict[str, float]
    displacement: float
    loss_tokens: dict[str, int]
    rows_used: int
    template_train: str | None
    template_probe: str
    environment: Environment


class SubjectRef(Record):
    """Where a subject is: a node of the store (`source` is None) or a source outside with its digest as key."""

    key: str
    source: dict[str, Any] | None = None


class Frame(Record):
    """How the subject is asked: its chat template (`native`) or the bare prompt (`plain`), system prompt, length."""

    template: Literal["native", "plain"] = "native"
    system: str | None = None
    max_new_tokens: int = Field(default=32, ge=1)


class RowsRef(Record):
    """Rows by the digest of their file in the store; `draw` of them per seed, all when None."""

    digest: str
    draw: int | None = None


class MaterialRef(Record):
    """What a method is fed, by role, and the frame it is trained in.

    An attack trains on `train`; a defense on `harmful` rows, which carry their paired refusals, and `benign` ones.
    """

    train: tuple[RowsRef, ...] = ()
    harmful: tuple[RowsRef, ...] = ()
    benign: tuple[RowsRef, ...] = ()
    frame: Frame = Frame()


class ProbeRef(Record):
    """A probe as a cell asks it: its name in the study, its method, its items by digest.

    `doses` are those at which it is asked, all of the cell's when None.
    """

    name: str
    method: Choice
    items: str
    frame: Frame
    doses: tuple[int, ...] | None = None


class MakeTask(Record):
    """Make a subject: parent, defense, material, seed. `role` says what for."""

    kind: Literal["make"] = "make"
    key: str
    role: str
    parent: SubjectRef
    defense: Choice | None
    material: MaterialRef
    seed: Seed
    compute: dict[str, Any]


class JudgeRef(Record):
    """One judge of a probe's answers; readings live under `key`, which the cell, probe and judge determine.

    `doses` are those at which the probe is asked, all of the cell's when None.
    """

    key: str
    cell: str
    probe: str
    items: str
    judge: Choice
    kind: Kind
    role: str
    doses: tuple[int, ...] | None = None


class Stop(Record):
    """When no later rung is wanted: `broken_from` items harmful and coherent in the named probe."""

    probe: str
    broken_from: int


class ExposeTask(Record):
    """Expose a subject to an attack and ask it the probes at the doses that are missing."""

    kind: Literal["expose"] = "expose"
    key: str
    purpose: str
    subject: SubjectRef
    attack: Choice
    material: MaterialRef
    probes: tuple[ProbeRef, ...]
    seed: Seed
    doses: tuple[int, ...]
    judges: tuple[JudgeRef, ...]
    stop: Stop | None
    keep_weights: bool = False
    compute: dict[str, Any]


class JudgeTask(Record):
    """Judge the stored answers of one cell at the doses whose readings are missing."""

    kind: Literal["judge"] = "judge"
    key: str
    judge: JudgeRef
    doses: tuple[int, ...]


class Planned(Record):
    """A cell of a study as plan asked for it, with what it is for: a line of tasks.jsonl.

    `subject` is the part it plays, `made_from` the subject's key, `makes` the keys of the makes that lead to it,
    `index` the seed index of its unit, `doses` the ladder it is read along and `stop` where that ends.
    """

    key: str
    purpose: Literal["resistance", "generalization", "sham", "stability", "trainability"]
    subject: Role
    made_from: str
    makes: tuple[str, ...]
    domain: str | None
    task: str | None
    attack: str
    seed: Seed
    index: int
    doses: tuple[int, ...]
    judges: tuple[JudgeRef, ...]
    stop: Stop | None


class Standing(Record):
    """How far the run of a study is: whether nothing is missing, and which seed indices gave way to later ones, why."""

    finished: bool
    replaced: tuple[str, ...]


class Failure(Record):
    """Why a method failed by its own doing."""

    reason: str


class RungReadings(Record):
    """A rung of a trace: its facts, and per probe and judge role the value of each item in the probe's order."""

    facts: RungFacts
    values: dict[str, dict[str, tuple[float | None, ...]]]


class Trace(Record):
    """The cells of one subject, attack, domain (or task) and seed along the ladder."""

    purpose: Literal["resistance", "generalization", "sham", "stability", "trainability"]
    subject: Role
    domain: str | None
    task: str | None
    attack: str
    index: int
    cell: str
    doses: tuple[int, ...]
    rungs: tuple[RungReadings, ...]
    failed: str | None = None


class Overlap(Record):
    """One pair of splits in the audit: how many rows are the same or nearly the same."""

    first: str
    second: str
    exact: int
    near: int
    example: tuple[str, str] | None = None


class FailedMake(Record):
    """A seed index whose defended subject could not be made, and why: a unit without traces of M*."""

    index: int
    reason: str


class Assay(Record):
    """The protocol (as plain data) with all its traces; all that conclusions rest on.

    `items` gives the item ids of each probe in the order of the values; `kinds` the kind of the judge that fills
    each `probe` and role; `chance` the rate by guessing of each task. `failed_makes` are units of a claim about a
    method that have no M* at all: they do not hold.
    """

    protocol: dict[str, Any]
    digest: str
    subjects: dict[str, str]
    items: dict[str, tuple[str, ...]]
    kinds: dict[str, dict[str, Kind]]
    chance: dict[str, float | None]
    traces: tuple[Trace, ...]
    overlaps: tuple[Overlap, ...]
    replaced: tuple[str, ...] = ()
    failed_makes: tuple[FailedMake, ...] = ()


class Line(Record):
    """One number of a finding, with what it is and the limits it was given."""

    what: str
    subject: Role | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    count: int | None = None
    of: int | None = None
    word: str = ""
    note: str = ""


class Finding(Record):
    """What one condition or one control says, with the numbers it rests on and the reason in words.

    `level` is the one-sided error level of the word; `remedy` what to do about it where something can be done;
    `provisional` names what the word still lacks.
    """

    name: str
    kind: Literal["condition", "control"]
    word: Word
    because: str
    level: float | None = None
    remedy: str | None = None
    sentence: str | None = None
    lines: tuple[Line, ...] = ()
    provisional: str | None = None


class Verdict(Record):
    """The whole: a word, the sentence it stands for, and every finding."""

    study: str
    digest: str
    word: Word
    because: str
    conditions: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    scope: dict[str, Any]
    subjects: dict[str, str]


def values_of(rung: RungReadings, probe: str, role: str) -> tuple[float | None, ...] | None:
    """The readings of one judge at a rung, or None when it was not asked or not judged there."""
    by_role: Mapping[str, tuple[float | None, ...]] = rung.values.get(probe, {})
    return by_role.get(role)
