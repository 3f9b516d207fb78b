"""The attacker of a protocol: the attack family, its searches, the doses of each attack, and the budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from titer.errors import InputError
from titer.protocol.data_sources import Share, flatten_choice
from titer.protocol.dose_axes import STEPS, Axis, named
from titer.protocol.presets import expanded
from titer.records import Choice, Record, Role, digest, tupled

Dose = Annotated[int, Field(ge=1)]
Doses = Annotated[tuple[int, ...], Field(min_length=2)]


class Budget(Record):
    """What the attacker may spend: optimizer steps, and beside them a dose on each other axis that an attack has."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Dose]

    steps: Dose
    """Optimizer steps. Beside them stand the other axes that attacks are dosed on, such as `edits` or `prefilled`."""

    def on(self, axis: str) -> int:
        """The budget on one axis.

        Raises:
            InputError: if there is none.
        """
        if axis == STEPS.name:
            return self.steps
        if axis not in self.__pydantic_extra__:
            problem = f"an attack is dosed in '{axis}', and there is no budget of it"
            raise InputError("attacker.budget", problem, f"Add {axis} = ..., the largest dose of it in the claim.")
        return self.__pydantic_extra__[axis]

    @property
    def axes(self) -> tuple[str, ...]:
        """Every axis with a budget, steps first."""
        return (STEPS.name, *self.__pydantic_extra__)


class AttackChoice(Choice):
    """An attack as chosen, with what is said of it beside its parameters."""

    ladder: Annotated[dict[str, Doses], Field(min_length=1, max_length=1)] | None = Field(
        default=None, exclude_if=lambda ladder: ladder is None
    )
    """Its axis and its doses on it, where they are not those of the attacker's ladder."""
    domains: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda domains: domains is None
    )
    """The domains in which it is run, where it is not run in all."""
    search: Literal["default"] | dict[str, Any] | None = Field(default=None, exclude_if=lambda search: search is None)
    """What a search tries: by parameter a range `{low, high}` or a list of values; "default" for the method's own.

    What is written of such a parameter beside it is where the search begins, and leaves nothing out of the space.
    """
    fixed: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda fixed: fixed is None
    )
    """The parameters of the method's own space that are not searched, but stay as they are written."""
    begin: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda begin: begin is None
    )
    """What the search tries next after what is written: values of searched parameters, as winners of other studies."""

    @property
    def label(self) -> str:
        """The name, told apart from others of the same method; a searched attack by how it is searched too."""
        if self.search is None:
            return super().label
        beside = [own for own in (self.fixed, self.begin) if own is not None]
        return f"{self.name}-{digest([self.parameters, self.search, *beside])[:4]}"


_BESIDE = ("ladder", "domains", "search", "fixed", "begin")


def _flatten(value: Any) -> Any:
    """What stands among the parameters of an attack and is none of them, such as `ladder` and `search`."""
    flat = flatten_choice(value)
    if not isinstance(flat, dict) or "parameters" not in flat:
        return flat
    written = flat["parameters"]
    parameters = {key: own for key, own in written.items() if key not in _BESIDE}
    return tupled({**{key: written.get(key) for key in _BESIDE}, **flat, "parameters": parameters})


class UtilityLimit(Record):
    """What an attack may cost in utility: on how many harmless answers the loss may rise by how much."""

    margin: float = Field(gt=0)
    """In nats per token, against dose 0, on the answers of the benign `select` rows."""
    share: Share = 0.1
    """The largest acceptable share of answers whose loss rises by more; its upper limit must not be above."""


class SearchSettings(Record):
    """How the strongest configuration of an attack is searched for, equally on M and on M*."""

    trials: int = Field(ge=1)
    """Completed trials asked of each search; failed ones are repeated, up to twice as many in all."""
    round: int = Field(default=2, ge=1)
    """Trials that are proposed together, from those of earlier rounds: one or two, so that each tells the next."""
    sampler: Literal["tpe", "random"] = "tpe"
    """Optuna's tree-structured Parzen estimator, or uniform draws."""
    startup: int = Field(default=10, ge=1)
    """Trials that the estimator must know, climbed ones too; until then at most a third after the climb are uniform."""
    warm_start: bool = True
    """Whether the search on M* tries M's winner first after what its attack says to begin with."""
    utility: UtilityLimit | None = None
    """What a trial may cost in utility to count; without it that is not asked."""


@dataclass(frozen=True)
class DoseSchedule:
    """How one attack of a study is dosed: its axis, its doses from 0 on, and the budget, itself a dose; and where.

    `domains` are those in which it is run, None for all.
    """

    attack: str
    axis: Axis
    ladder: tuple[int, ...]
    budget: int
    domains: tuple[str, ...] | None = None

    def runs_in(self, domain: str) -> bool:
        """Whether the attack is run in a domain."""
        return self.domains is None or domain in self.domains

    @property
    def within(self) -> tuple[int, ...]:
        """The doses from 0 up to the budget, which the verdict rests on."""
        return tuple(dose for dose in self.ladder if dose <= self.budget)


class AttackerConfig(Record):
    """The attacks, the doses at which they are read, and the budget that the claim is about."""

    preset: str | None = Field(default=None, exclude_if=lambda preset: preset is None)
    """An attacker by name, written out into the other keys; what stands beside it comes first. `titer list presets`."""
    budget: Budget
    """The largest dose in the claim on each axis; each is a dose of its ladder."""
    ladder: Doses
    """The optimizer steps at which every model is asked: from 0, increasing, the budget among them."""
    sham: bool = True
    """Whether attacks that train on harmful rows are run on harmless ones, too (benign `sham` rows), as a control."""
    search: SearchSettings | None = Field(default=None, exclude_if=lambda search: search is None)
    """How the strongest configuration of an attack with a `search` of its own is found."""
    attack: tuple[Annotated[AttackChoice, BeforeValidator(_flatten)], ...] = Field(min_length=1)
    """The attacks; a preset's come first."""

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, data: Any) -> Any:
        return tupled(expanded(data))

    @property
    def schedules(self) -> tuple[DoseSchedule, ...]:
        """How each attack is dosed, in the order of the family.

        Raises:
            InputError: if there is no budget on the axis of one.
        """
        found = []
        for choice in self.attack:
            ((axis, ladder),) = (choice.ladder or {STEPS.name: self.ladder}).items()
            found.append(DoseSchedule(choice.label, named(axis), ladder, self.budget.on(axis), choice.domains))
        return tuple(found)

    def schedule_of(self, label: str) -> DoseSchedule:
        """That of the attack with this label; along the attacker's ladder where it is not of the family, as a sham."""
        other = DoseSchedule(label, STEPS, self.ladder, self.budget.steps)
        known = self.run_on("defended", compared=True)
        return next((schedule for schedule in known if schedule.attack == label), other)

    @property
    def budgets(self) -> dict[Axis, int]:
        """The budget on each axis that an attack is dosed on, in the order of the family."""
        return {schedule.axis: schedule.budget for schedule in self.schedules}

    def run_on(self, role: Role, *, compared: bool) -> tuple[DoseSchedule, ...]:
        """How each attack that a subject must withstand is dosed: on M* also M's winner of each search.

        Args:
            role: the subject's part.
            compared: whether there is an M beside M*.
        """
        found = []
        for choice, schedule in zip(self.attack, self.schedules, strict=True):
            found.append(schedule)
            if choice.search is not None and role == "defended" and compared:
                found.append(replace(schedule, attack=winner_of_m(choice.label)))
        return tuple(found)


def winner_of_m(label: str) -> str:
    """The label under which M's winner of a search is run on M*."""
    return f"{label} of the undefended"
