"""The attacker of a protocol: the attack family, the doses each attack is read at, and the budget on each axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from titer.axes import STEPS, Axis, named
from titer.errors import InputError
from titer.records import Choice, Record, tupled
from titer.sources import flatten_choice

Dose = Annotated[int, Field(ge=1)]
Rungs = Annotated[tuple[int, ...], Field(min_length=2)]


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


class Dosed(Choice):
    """An attack as chosen; `ladder` names its axis and its rungs, where they are not those of the attacker's ladder."""

    ladder: Annotated[dict[str, Rungs], Field(min_length=1, max_length=1)] | None = Field(
        default=None, exclude_if=lambda ladder: ladder is None
    )


def _flatten(value: Any) -> Any:
    """`ladder` stands among the parameters of an attack and is none of them."""
    flat = flatten_choice(value)
    if not isinstance(flat, dict) or "parameters" not in flat:
        return flat
    parameters = {key: own for key, own in flat["parameters"].items() if key != "ladder"}
    return tupled({"ladder": flat["parameters"].get("ladder"), **flat, "parameters": parameters})


@dataclass(frozen=True)
class Dosing:
    """How one attack of a study is dosed: its axis, its rungs from 0 on, and the budget, itself a rung."""

    attack: str
    axis: Axis
    ladder: tuple[int, ...]
    budget: int

    @property
    def within(self) -> tuple[int, ...]:
        """The rungs from 0 up to the budget, which the verdict rests on."""
        return tuple(dose for dose in self.ladder if dose <= self.budget)


class Attacker(Record):
    """The attack family, the doses it is read at, and the harmless twin of it. `ladder` is in optimizer steps."""

    budget: Budget
    ladder: Rungs
    sham: bool = True
    attack: tuple[Annotated[Dosed, BeforeValidator(_flatten)], ...] = Field(min_length=1)

    @property
    def dosings(self) -> tuple[Dosing, ...]:
        """How each attack is dosed, in the order of the family.

        Raises:
            InputError: if there is no budget on the axis of one.
        """
        found = []
        for choice in self.attack:
            ((axis, ladder),) = (choice.ladder or {STEPS.name: self.ladder}).items()
            found.append(Dosing(choice.label, named(axis), ladder, self.budget.on(axis)))
        return tuple(found)

    def dosing_of(self, label: str) -> Dosing:
        """That of the attack with this label; along the attacker's ladder where it is not of the family, as a sham."""
        other = Dosing(label, STEPS, self.ladder, self.budget.steps)
        return next((dosing for dosing in self.dosings if dosing.attack == label), other)

    @property
    def budgets(self) -> dict[Axis, int]:
        """The budget on each axis that an attack is dosed on, in the order of the family."""
        return {dosing.axis: dosing.budget for dosing in self.dosings}

    @property
    def readings(self) -> int:
        """The readings up to the budget that one domain adds to a unit: the rungs of all attacks."""
        return sum(len(dosing.within) for dosing in self.dosings)
