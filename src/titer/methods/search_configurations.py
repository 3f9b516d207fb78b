"""What a search tries of one attack of a protocol: its space as read, checked, and single configurations from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from titer.errors import InputError
from titer.methods import registry
from titer.methods.base import Attack
from titer.methods.search_space import LogRange, Options, Space
from titer.protocol.attacker import AttackChoice
from titer.records import Choice, Frame


def space_of(choice: AttackChoice, place: str = "attack") -> Space:
    """The space that an attack with a search is searched in: what is written beside it leaves nothing out.

    Raises:
        InputError: if it is empty, a range is upside down, a value is none that the parameter takes, or what is fixed
            is no part of the method's own space.
    """
    attack = registry.attack_class(choice.name, place)
    if choice.search == "default":
        whole = attack.space()
        for name in choice.fixed or ():
            if name not in whole:
                close = difflib.get_close_matches(name, whole, n=1)
                hint = f"Did you mean '{close[0]}'? " if close else ""
                remedy = f"{hint}Searched are: {', '.join(whole)}."
                raise InputError(f"{place}.fixed", f"'{name}' is not searched of {choice.name} as it is", remedy)
        space = {name: part for name, part in whole.items() if name not in (choice.fixed or ())}
        if not space:
            remedy = "Leave search out, or fix fewer parameters."
            raise InputError(f"{place}.search", f"nothing of {choice.name} is left to search", remedy)
        return _taken(choice, space, place)
    assert isinstance(choice.search, Mapping)
    if choice.fixed is not None:
        problem = "what is searched is written out, and all else is fixed"
        raise InputError(f"{place}.fixed", problem, 'Leave it out, or write search = "default".')
    if not choice.search:
        raise InputError(f"{place}.search", "the search space is empty", 'Name a parameter, or write "default".')
    fields = list(attack.model_fields)
    space = {
        name: _part(name, value, choice.name, fields, f"{place}.search.{name}") for name, value in choice.search.items()
    }
    return _taken(choice, space, place)


def defense_space(choice: Choice, searched: Literal["default"] | Mapping[str, Any], place: str) -> Space:
    """The space that a defense is tuned in: that which is written, or that of the method but for what is written.

    Raises:
        InputError: if it is empty, a range is upside down, or a value is none that the parameter takes.
    """
    method = type(registry.defense(choice))
    space = method.space()
    if not isinstance(searched, str):
        fields = list(method.model_fields)
        space = {name: _part(name, own, choice.name, fields, f"{place}.{name}") for name, own in searched.items()}
    if not space:
        remedy = "Name a parameter with a range or a list of values."
        raise InputError(place, f"there is nothing to try of {choice.name}", remedy)
    for name, part in space.items():
        for value in (part.low, part.high) if isinstance(part, LogRange) else part.values:
            registry.defense(Choice(name=choice.name, parameters={**choice.parameters, name: value}), place)
    return space


def attacks_of(choice: AttackChoice, place: str = "attack") -> Iterator[Attack]:
    """The attack of a protocol, configured; of one that is searched, each of its `edges`.

    Raises:
        InputError: if the space cannot be searched, or the attack does not take a value of it.
    """
    for one in edges(choice, place):
        yield registry.attack(one, place if choice.search is None else f"{place}.search")


def edges(choice: AttackChoice, place: str = "attack") -> Iterator[Choice]:
    """What a search begins with, and what differs from the first of it in one end of a range, or in one value.

    Raises:
        InputError: if the space cannot be searched, or what it begins with is none of it.
    """
    written = written_of(choice)
    yield written
    space = {} if choice.search is None else space_of(choice, place)
    for number, values in enumerate(choice.begin or ()):
        here = f"{place}.begin.{number}"
        if unknown := [name for name in values if name not in space]:
            remedy = f"Searched are: {', '.join(space)}."
            raise InputError(here, f"'{unknown[0]}' is not searched", remedy)
        registry.attack(with_values(choice, values), here)
        yield with_values(choice, values)
    for name, part in space.items():
        for value in (part.low, part.high) if isinstance(part, LogRange) else part.values:
            yield with_values(choice, {**written.parameters, name: value})


def written_of(choice: AttackChoice) -> Choice:
    """The configuration written by hand, which a search begins with: what stands beside the name, else defaults."""
    return Choice(name=choice.name, parameters=choice.parameters)


def with_values(choice: AttackChoice, values: Mapping[str, Any]) -> Choice:
    """The attack with the values that a search chose; all else as it is written in the protocol."""
    return Choice(name=choice.name, parameters={**choice.parameters, **values})


def configuration_of(choice: AttackChoice, values: Mapping[str, Any], frame: Frame) -> Choice:
    """A configuration of a search, with all that is searched written out as the method takes it.

    So two configurations of one search are the same attack where they are written the same, whatever was left to the
    defaults of the method, or to the frame of the study, as its template may be.

    Args:
        choice: the attack, with what is searched.
        values: those that the search chose; none of the attack written by hand.
        frame: how the study asks.
    """
    written = with_values(choice, values)
    attack, left = registry.attack(written), frame.to_data()
    taken = {name: field.default for name, field in type(attack).model_fields.items()} | attack.to_data()
    searched = {name: left.get(name) if taken[name] is None else taken[name] for name in space_of(choice)}
    return Choice(name=choice.name, parameters={**written.parameters, **searched})


def _taken(choice: AttackChoice, space: Space, place: str) -> Space:
    """The space with its values as the method takes them: `"full"` as the table that it stands for."""
    return {
        name: part
        if isinstance(part, LogRange)
        else Options(values=tuple(_value(choice, name, value, f"{place}.search") for value in part.values))
        for name, part in space.items()
    }


def _value(choice: AttackChoice, name: str, value: Any, place: str) -> Any:
    return registry.attack(with_values(choice, {name: value}), place).to_data().get(name, value)


def _part(name: str, value: Any, attack: str, fields: list[str], place: str) -> LogRange | Options:
    if name not in fields:
        close = difflib.get_close_matches(name, fields, n=1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise InputError(place, f"{attack} has no such parameter", f"{hint}Known: {', '.join(fields)}.")
    if isinstance(value, list | tuple):
        if not value:
            raise InputError(place, "there is nothing to choose from", "List one value or more.")
        return Options(values=tuple(value))
    if isinstance(value, Mapping) and set(value) == {"low", "high"}:
        return _range(value["low"], value["high"], place)
    raise InputError(place, "neither a range nor a list", "Write { low = ..., high = ... } or [..., ...].")


def _range(low: Any, high: Any, place: str) -> LogRange:
    for end, number in (("low", low), ("high", high)):
        if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
            problem = f"{number!r} is no number above 0, and the logarithm is drawn"
            raise InputError(f"{place}.{end}", problem, "Write a number above 0, or list a few values.")
    if low >= high:
        raise InputError(place, f"the range goes from {low} down to {high}", "Let low be below high.")
    return LogRange(low=float(low), high=float(high))
