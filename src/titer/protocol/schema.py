"""The study as written down before the run: validated, frozen, with a digest of its meaning."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from titer.errors import InputError
from titer.protocol.attacker import AttackerConfig, DoseSchedule
from titer.protocol.condition_configs import StabilityConfig, TrainabilityConfig, UsabilityConfig
from titer.protocol.data_sources import MOST_POOLED, BenignConfig, DomainConfig, MethodChoice, TaskConfig
from titer.protocol.harm_config import HarmConfig
from titer.protocol.study_config import ComputeConfig, Disclosure, StudyConfig
from titer.protocol.subject_config import SubjectConfig
from titer.protocol.tuning_config import TuningConfig
from titer.records import Choice, Record, Role, digest, tupled


def _as_list(value: Any) -> Any:
    """One `[benign]` table is the same as one `[[benign]]`."""
    return tupled([value] if isinstance(value, dict) else value)


class Protocol(Record):
    """A whole study, as validated."""

    study: StudyConfig
    """What is claimed, and how sure one wants to be."""
    compute: ComputeConfig = ComputeConfig()
    """Where and how numbers are computed."""
    subject: SubjectConfig
    """The model that is studied, and how it is prepared."""
    defense: tuple[MethodChoice, ...] = ()
    """One method or a chain of them, each run on what the one before made. Without any the model itself is gated."""
    benign: Annotated[tuple[BenignConfig, ...], BeforeValidator(_as_list)] = ()
    """Harmless instructions with answers: for defenses, for shams, for over-refusal and usability."""
    harm: HarmConfig
    """What counts as harm, and the domains it is measured in."""
    attacker: AttackerConfig
    """The attacks, their doses and the budget."""
    task: tuple[TaskConfig, ...] = ()
    """Benign tasks, which stability, trainability and usability name."""
    stability: StabilityConfig | None = None
    """On which tasks the defended model must be as good as the undefended one. Without it stability is not assessed."""
    trainability: TrainabilityConfig | None = None
    """Which tasks the defended model must still learn. Without it trainability is not assessed."""
    usability: UsabilityConfig | None = Field(default=None, exclude_if=lambda floors: floors is None)
    """What a model without a defense must do before any attack. Without it usability is not assessed."""
    tuning: TuningConfig | None = Field(default=None, exclude_if=lambda tuning: tuning is None)
    """How `titer tune` searches the parameters of the last defense. A study that is run has no such table."""
    disclosure: Disclosure | None = Field(default=None, exclude_if=lambda said: said is None)
    """What the forms of others ask of a study and no measurement tells; nothing is concluded from it."""

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

    def task_sets(self, task: TaskConfig) -> int:
        """How many sets of items a task has: one, or one for each replicate that has items of its own."""
        return self.study.seeds.attack if task.items == "own" else 1

    def asks_by_place(self, task: TaskConfig) -> bool:
        """Whether each model that a method makes is asked items of its own; a checkpoint is asked those of all."""
        return task.items == "own" and self.study.claim == "this method"

    def asked_items(self, task: TaskConfig) -> int:
        """How many items of a task one model is asked in stability or usability."""
        each = task.splits["verdict"]
        if self.asks_by_place(task) or task.items == "shared":
            return each
        return min(MOST_POOLED, each * self.task_sets(task))

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
