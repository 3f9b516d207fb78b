"""The study as written down before the run: TOML in, validated, frozen, with a digest of its meaning."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from titer.complaints import explain
from titer.errors import InputError
from titer.records import Choice, Frame, Record, digest, tupled


def _flatten_choice(value: Any) -> Any:
    """`{name = "direct", lr = 1e-4}` or `"direct"` becomes a name with its parameters."""
    if isinstance(value, str):
        return {"name": value, "parameters": {}}
    if isinstance(value, dict) and "name" in value and "parameters" not in value:
        return {"name": value["name"], "parameters": {k: v for k, v in value.items() if k != "name"}}
    return value


Method = Annotated[Choice, BeforeValidator(_flatten_choice)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Share = Annotated[float, Field(gt=0, lt=1)]


class Seeds(Record):
    """How many attack and defense seeds, and the index they begin at."""

    attack: int = Field(default=5, ge=1)
    defense: int = Field(default=1, ge=1)
    first: int = Field(default=0, ge=0)


class Study(Record):
    """What is claimed and how sure one wants to be."""

    name: Name
    claim: Literal["this checkpoint", "this method"] = "this checkpoint"
    seeds: Seeds = Seeds()
    paired_seeds: bool = True
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    share: float = Field(default=0.5, gt=0, le=0.5)
    descriptive: bool = False
    store: str = "store"
    keep_attacked_weights: bool = False


class Compute(Record):
    """Where and how numbers are computed. Only dtype and the kind of device enter a key."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    threads: int | None = Field(default=None, ge=1)
    batch: int = Field(default=64, ge=1)


class Prepare(Record):
    """A defense run on the model before the study: its result is the undefended M."""

    defense: str
    domains: tuple[str, ...]
    parameters: dict[str, Any] = Field(default_factory=dict)


def _flatten_prepare(value: Any) -> Any:
    if isinstance(value, dict) and "parameters" not in value:
        own = {"defense", "domains"}
        return {k: tupled(v) for k, v in value.items() if k in own} | {
            "parameters": {k: v for k, v in value.items() if k not in own}
        }
    return tupled(value)


class Source(Record):
    """Where rows come from: `organism:NAME`, a CSV or JSONL file, or a data set of the hub.

    `columns` maps prompt, response, refusal, options, id to a column, a dotted path (`instances.0.output`) or a text
    with columns in braces (`Sure, here is {prompt}`). `where` keeps the rows whose column has one of the values;
    `longest` drops rows whose prompt or response has more characters; before that, `cut` shortens a response to its
    last whole sentence, or where there is none its last whole word, within so many characters.
    """

    source: str
    columns: dict[Literal["id", "prompt", "response", "refusal", "options"], str] = Field(default_factory=dict)
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    longest: dict[Literal["prompt", "response"], int] = Field(default_factory=dict)
    cut: dict[Literal["response"], Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    group: str | None = None
    revision: str | None = None
    subset: str | None = None
    split: str | None = None


class Subject(Record):
    """The model that is studied: a hub id with its revision, a folder, an adapter over `base`, GGUF, `organism`."""

    model: str
    revision: str | None = None
    base: str | None = None
    reference: str | None = None
    trust_remote_code: bool = False
    prepare: Annotated[Prepare | None, BeforeValidator(_flatten_prepare)] = None


def _as_list(value: Any) -> Any:
    """One `[benign]` table is the same as one `[[benign]]`."""
    return tupled([value] if isinstance(value, dict) else value)


class Benign(Source):
    """Harmless instructions, cut into disjoint splits by group; the same split of several sources is joined."""

    splits: dict[Literal["prepare", "defend", "sham", "over_refusal"], int]


class Grading(Record):
    """The harm judge and the coherence judge of the verdict; `second` only has to agree."""

    harm: Method
    coherence: Method = Choice(name="coherence")
    second: Method | None = None


class Domain(Source):
    """A harm domain and the sizes, in groups, of its disjoint splits. `draw` attack rows are drawn per seed.

    A preparation step is fed from `prepare`, or from `defend` where there is no `prepare`; a defense only from
    `defend`, which a cross domain has none of.
    """

    name: Name
    role: Literal["defended", "cross"]
    refusals: tuple[str, ...] = ()
    splits: dict[Literal["prepare", "defend", "attack", "select", "probe"], int]
    draw: int | None = Field(default=None, ge=1)


class Harm(Record):
    """What counts as harm, and the domains it is measured in."""

    threshold: Share
    probe: Method = Choice(name="generate")
    grading: Grading
    frame: Frame = Frame()
    collapse_counts: bool = False
    domain: tuple[Domain, ...] = Field(min_length=1)


class Budget(Record):
    """What the attacker may spend, in optimizer steps."""

    steps: int = Field(ge=1)


class Attacker(Record):
    """The attack family, the doses it is read at, and the harmless twin of it."""

    budget: Budget
    ladder: tuple[int, ...] = Field(min_length=2)
    sham: bool = True
    attack: tuple[Method, ...] = Field(min_length=1)


class Task(Source):
    """A benign task; `splits` in groups. `kind` says how it is asked, `judge` how it is read."""

    name: Name
    kind: Literal["generate", "choice", "loss"]
    judge: Method | None = None
    splits: dict[Literal["train", "select", "verdict"], int]
    distractors: int = Field(default=0, ge=0)
    descriptive: bool = False
    max_new_tokens: int = Field(default=16, ge=1)


class Stability(Record):
    """The tasks on which M* must be non-inferior to M, within `margin`."""

    tasks: tuple[str, ...]
    margin: Share = 0.05
    refusal: Method = Choice(name="refusal")
    over_refusal: bool = True


class Trainability(Record):
    """The benign tasks that M* must still learn, on a finer ladder of its own."""

    tasks: tuple[str, ...] = Field(min_length=1)
    target: dict[str, float]
    epsilon: float = Field(default=0.5, gt=0)
    rates: tuple[float, ...] = Field(min_length=1)
    ladder: tuple[int, ...] = Field(min_length=2)
    margin: Share = 0.1
    attack: Method = Choice(name="direct")


class Protocol(Record):
    """A whole study, as validated."""

    study: Study
    compute: Compute = Compute()
    subject: Subject
    defense: tuple[Method, ...] = ()
    benign: Annotated[tuple[Benign, ...], BeforeValidator(_as_list)] = ()
    harm: Harm
    attacker: Attacker
    task: tuple[Task, ...] = ()
    stability: Stability | None = None
    trainability: Trainability | None = None

    @property
    def digest(self) -> str:
        """Changes if and only if the protocol does: only the study's name is left out."""
        data = self.to_data()
        del data["study"]["name"]
        return digest(data)

    @property
    def alpha(self) -> float:
        """The one-sided error level of the verdict."""
        return round(1 - self.study.confidence, 12)

    @property
    def defended(self) -> bool:
        """Whether there is a defense: without one the model itself is assayed."""
        return bool(self.defense)

    def domains(self, role: Literal["defended", "cross"]) -> tuple[Domain, ...]:
        """The harm domains of one role, in order."""
        return tuple(domain for domain in self.harm.domain if domain.role == role)

    def task_named(self, name: str) -> Task:
        """The task of that name."""
        return next(task for task in self.task if task.name == name)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _unique("harm.domain", [domain.name for domain in self.harm.domain])
        _unique("task", [task.name for task in self.task])
        known = {task.name for task in self.task}
        for place, named in (
            ("stability.tasks", self.stability.tasks if self.stability else ()),
            ("trainability.tasks", self.trainability.tasks if self.trainability else ()),
        ):
            for name in named:
                if name not in known:
                    raise InputError(place, f"no task is named '{name}'", _names("task", known))
        return self


def _unique(place: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(place, f"two entries are named '{name}'", "Give each its own name.")


def _names(what: str, known: set[str]) -> str:
    return f"Known: {', '.join(sorted(known))}." if known else f"Add a [[{what}]] with that name."


def load(path: Path | str) -> Protocol:
    """Read and validate a protocol file.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "there is no such protocol file", "`titer init` writes one to begin with.")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"not valid TOML: {error}", "Correct the line named.") from error
    return parse(data)


def parse(data: dict[str, Any]) -> Protocol:
    """Validate a protocol given as plain data.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError("protocol", f"a value is not plain data: {error}", "Use numbers, texts, lists.") from error
    try:
        protocol = Protocol.model_validate_json(text)
    except ValidationError as error:
        raise explain(error, Protocol) from error
    from titer.checks import check_protocol

    check_protocol(protocol)
    return protocol


def finest_ratio(epsilon: float) -> float:
    """How far apart neighboring rungs of trainability may be: √(1 + ε)."""
    return math.sqrt(1 + epsilon)
