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
    """An attack as chosen, with what is said of it beside its parameters.

    `ladder` names its axis and its doses, where they are not those of the attacker's ladder. `domains` names those in
    which it is run, where it is not run in all. `search` says what a
    search tries: `"default"` for the space of the method but for what is written beside its name, or by the name of
    a parameter a range `{low, high}` or a list of values. A search begins with what is written beside the name.
    """

    ladder: Annotated[dict[str, Doses], Field(min_length=1, max_length=1)] | None = Field(
        default=None, exclude_if=lambda ladder: ladder is None
    )
    domains: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda domains: domains is None
    )
    search: Literal["default"] | dict[str, Any] | None = Field(default=None, exclude_if=lambda search: search is None)

    @property
    def label(self) -> str:
        """The name, told apart from others of the same method; a searched attack by its space too."""
        if self.search is None:
            return super().label
        return f"{self.name}-{digest([self.parameters, self.search])[:4]}"


_BESIDE = ("ladder", "domains", "search")


def _flatten(value: Any) -> Any:
    """`ladder`, `domains` and `search` stand among the parameters of an attack and are none of them."""
    flat = flatten_choice(value)
    if not isinstance(flat, dict) or "parameters" not in flat:
        return flat
    written = flat["parameters"]
    parameters = {key: own for key, own in written.items() if key not in _BESIDE}
    return tupled({**{key: written.get(key) for key in _BESIDE}, **flat, "parameters": parameters})


class UtilityLimit(Record):
    """What an attack may cost in utility: on how many harmless answers the loss may rise by how much.

    Attributes:
        margin: in nats per token, against dose 0, on the answers of the benign `select` rows.
        share: the largest acceptable share of answers whose loss rises by more; its upper limit must not be above.
    """

    margin: float = Field(gt=0)
    share: Share = 0.1


class SearchSettings(Record):
    """How the strongest configuration of an attack is searched for, equally on M and on M* (`statistics.md`, Attacker).

    Attributes:
        trials: completed trials asked of each search; failed ones are repeated, up to twice as many in all.
        round: trials that are proposed together, from those of earlier rounds.
        sampler: Optuna's tree-structured Parzen estimator, or uniform draws.
        startup: trials that the estimator must know before it goes by them; those before are drawn uniformly.
        warm_start: whether the search on M* tries M's winner first after the configuration written by hand.
        utility: what a trial may cost in utility to count; None where that is not asked.
    """

    trials: int = Field(ge=1)
    round: int = Field(default=4, ge=1)
    sampler: Literal["tpe", "random"] = "tpe"
    startup: int = Field(default=10, ge=1)
    warm_start: bool = True
    utility: UtilityLimit | None = None


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
    """The attack family, its doses, and its sham: the same training on harmless rows. `ladder` is in optimizer steps.

    `preset` is the name of a family that was written out into the others.
    """

    preset: str | None = Field(default=None, exclude_if=lambda preset: preset is None)
    budget: Budget
    ladder: Doses
    sham: bool = True
    search: SearchSettings | None = Field(default=None, exclude_if=lambda search: search is None)
    attack: tuple[Annotated[AttackChoice, BeforeValidator(_flatten)], ...] = Field(min_length=1)

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
