"""The study as written down before the run: validated, frozen, with a digest of its meaning."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from titer.errors import InputError
from titer.protocol.attacker import AttackerConfig, DoseSchedule
from titer.protocol.condition_configs import StabilityConfig, TrainabilityConfig, UsabilityConfig
from titer.protocol.data_sources import BenignConfig, DomainConfig, MethodChoice, Name, Share, TaskConfig
from titer.protocol.defaults import COHERENCE, HARM_PROBE
from titer.protocol.disclosure import Disclosure
from titer.protocol.subject_config import SubjectConfig
from titer.protocol.tuning_config import TuningConfig
from titer.records import Choice, Frame, Record, Role, digest, tupled

if TYPE_CHECKING:
    from titer.stats.group_sequential import SequentialPlan
    from titer.stats.replicates import Levels


class Seeds(Record):
    """How many attack and defense seeds, and the index they begin at."""

    attack: int = Field(default=5, ge=1)
    defense: int = Field(default=1, ge=1)
    first: int = Field(default=0, ge=0)


def _inside(store: str) -> str:
    """A store that a protocol names lies in the study folder."""
    part = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
    if re.fullmatch(rf"{part}(/{part}){{0,7}}", store) is None:
        remedy = "Write plain names; a store elsewhere is named on the command line: --store /absolute/path."
        raise InputError("study.store", f"{store[:80]!r} names no folder inside the study folder", remedy)
    return store


class StudyConfig(Record):
    """What is claimed and how sure one wants to be; `follows` names the folder of an earlier study with a verdict."""

    name: Name
    follows: str | None = None
    claim: Literal["this checkpoint", "this method"] = "this checkpoint"
    seeds: Seeds = Seeds()
    paired_seeds: bool = True
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    share: float = Field(default=0.5, gt=0, le=0.5)
    descriptive: bool = False
    store: Annotated[str, AfterValidator(_inside)] = "store"
    keep_attacked_weights: bool = False


class ComputeConfig(Record):
    """Where and how numbers are computed. Only dtype and the kind of device enter a key."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    threads: int | None = Field(default=None, ge=1)
    batch: int = Field(default=64, ge=1)


def _as_list(value: Any) -> Any:
    """One `[benign]` table is the same as one `[[benign]]`."""
    return tupled([value] if isinstance(value, dict) else value)


class Grading(Record):
    """The harm judge and the coherence judge of the verdict; `second` only has to agree."""

    harm: MethodChoice
    coherence: MethodChoice = COHERENCE
    second: MethodChoice | None = None


class HarmConfig(Record):
    """What counts as harm, and the domains it is measured in.

    `sampling` says how many items an attack's dose is decided by: all; or, curtailed, whole batches of them until no
    outcome of the rest can change the decision; or as many as one of three or six `interim` analyses needs, each with
    cut-offs of its own. `items` says whether all seeds are asked the same prompts, or each its own: then `probe` groups
    are cut for each of them.
    """

    threshold: Share
    probe: MethodChoice = HARM_PROBE
    grading: Grading
    frame: Frame = Frame()
    collapse_counts: bool = False
    sampling: Literal["fixed", "curtailed", "sequential"] = "fixed"
    interim: Literal[3, 6] = Field(default=3, exclude_if=lambda interim: interim == 3)
    items: Literal["shared", "own"] = Field(default="shared", exclude_if=lambda items: items == "shared")
    domain: tuple[DomainConfig, ...] = Field(min_length=1)

    def analyses(self, items: int, levels: Levels) -> SequentialPlan:
        """When a dose of so many items may be decided, and by which cut-offs, at the levels of its condition.

        Raises:
            ValueError: the items are too few for interim analyses.
        """
        from titer.stats.group_sequential import one_analysis, six_analyses, three_analyses

        cut = one_analysis
        if self.sampling == "sequential":
            cut = three_analyses if self.interim == 3 else six_analyses
        a, b = levels.intact_level, levels.broken_level
        return cut(items, threshold=self.threshold, intact_level=a, broken_level=b)


class Protocol(Record):
    """A whole study, as validated."""

    study: StudyConfig
    compute: ComputeConfig = ComputeConfig()
    subject: SubjectConfig
    defense: tuple[MethodChoice, ...] = ()
    benign: Annotated[tuple[BenignConfig, ...], BeforeValidator(_as_list)] = ()
    harm: HarmConfig
    attacker: AttackerConfig
    task: tuple[TaskConfig, ...] = ()
    stability: StabilityConfig | None = None
    trainability: TrainabilityConfig | None = None
    usability: UsabilityConfig | None = Field(default=None, exclude_if=lambda floors: floors is None)
    tuning: TuningConfig | None = Field(default=None, exclude_if=lambda tuning: tuning is None)
    disclosure: Disclosure | None = Field(default=None, exclude_if=lambda said: said is None)

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

    @property
    def stages(self) -> dict[str, Choice]:
        """The methods that each make a subject of the one before, in order, by their places in the protocol."""
        prepared = {place: step.choice for place, step in self.subject.preparation.items()}
        return prepared | {f"defense.{index}": choice for index, choice in enumerate(self.defense)}

    @property
    def compared(self) -> bool:
        """Whether there is an M beside M*: the subject before its defense, or else a reference."""
        return self.defended or self.subject.reference is not None

    @property
    def probe_sets(self) -> int:
        """How many sets of probe items each domain has: one, or one for each replicate that has items of its own."""
        return self.study.seeds.attack if self.harm.items == "own" else 1

    def attacks_on(self, role: Role) -> tuple[DoseSchedule, ...]:
        """How each attack that a subject must withstand is dosed."""
        return self.attacker.run_on(role, compared=self.compared)

    @property
    def searched_domain(self) -> DomainConfig:
        """The domain in which searches try their configurations: the first that is defended, or else the first.

        One with harmful answers to train on.
        """
        with_rows = self.attacked_domains
        return next((domain for domain in with_rows if domain.role == "defended"), with_rows[0])

    @property
    def attacked_domains(self) -> tuple[DomainConfig, ...]:
        """The domains with rows to train on; the others are asked alone."""
        return tuple(domain for domain in self.harm.domain if domain.attack_with is None)

    def trained_on(self, domain: DomainConfig) -> DomainConfig:
        """The domain whose rows attacks on a domain train on: itself, or the one that it names."""
        return domain if domain.attack_with is None else self.domain_named(domain.attack_with)

    @property
    def defended_as_prepared(self) -> tuple[str, ...]:
        """The domains of which a defense is fed the rows that the preparation was fed already."""
        prepared = {name for step in self.subject.prepare for name in step.domains} if self.defense else set()
        defended = (domain for domain in self.domains("defended") if "prepare" not in domain.splits)
        return tuple(domain.name for domain in defended if domain.name in prepared)

    @property
    def taught(self) -> tuple[str, ...]:
        """The names of the domains of which a step of the preparation teaches every row."""
        return tuple(dict.fromkeys(name for step in self.subject.prepare for name in step.teaches))

    def domain_named(self, name: str) -> DomainConfig:
        """The harm domain of that name."""
        return next(domain for domain in self.harm.domain if domain.name == name)

    def domains(self, role: Literal["defended", "cross"]) -> tuple[DomainConfig, ...]:
        """The harm domains of one role, in order."""
        return tuple(domain for domain in self.harm.domain if domain.role == role)

    def task_named(self, name: str) -> TaskConfig:
        """The task of that name."""
        return next(task for task in self.task if task.name == name)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        _unique("harm.domain", [domain.name for domain in self.harm.domain])
        _unique("task", [task.name for task in self.task])
        _check_attack_with(self.harm.domain)
        known = {task.name for task in self.task}
        for place, named in (
            ("stability.tasks", self.stability.tasks if self.stability else ()),
            ("trainability.tasks", self.trainability.tasks if self.trainability else ()),
            ("usability.tasks", tuple(self.usability.tasks) if self.usability else ()),
        ):
            for name in named:
                if name not in known:
                    raise InputError(place, f"no task is named '{name}'", _names("task", known))
        return self


def _unique(place: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(place, f"two entries are named '{name}'", "Give each its own name.")


def _check_attack_with(domains: tuple[DomainConfig, ...]) -> None:
    """Each domain that is asked alone names one with rows to train on."""
    known = {domain.name for domain in domains if domain.attack_with is None}
    for index, domain in enumerate(domains):
        if domain.attack_with is not None and domain.attack_with not in known:
            problem = f"no domain with attack rows is named '{domain.attack_with}'"
            raise InputError(f"harm.domain.{index}.attack_with", problem, _names("harm.domain", known))


def _names(what: str, known: set[str]) -> str:
    return f"Known: {', '.join(sorted(known))}." if known else f"Add a [[{what}]] with that name."


def finest_ratio(epsilon: float) -> float:
    """How far apart neighboring doses of trainability may be: √(1 + ε)."""
    return math.sqrt(1 + epsilon)
