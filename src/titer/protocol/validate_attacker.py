"""What can be seen to be wrong with the attacker of a protocol before any data is read."""

from __future__ import annotations

import difflib

from titer.errors import InputError
from titer.protocol.attacker import Dosing
from titer.protocol.diagnostics import check_increasing, need
from titer.protocol.dose_axes import STEPS
from titer.protocol.schema import Protocol


def check_attacks(protocol: Protocol) -> None:
    """No two attacks are the same, and no budget is of an axis that none is dosed on."""
    labels = [choice.label for choice in protocol.attacker.attack]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            remedy = "Change it, or leave it out: study.seeds.attack repeats an attack."
            raise InputError(f"attacker.attack.{index}", f"it is the same as attack {labels.index(label)}", remedy)
    dosed = [STEPS.name, *(axis.name for axis in protocol.attacker.budgets if axis != STEPS)]
    for axis in protocol.attacker.budget.axes:
        if axis not in dosed:
            close = difflib.get_close_matches(axis, dosed, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            remedy = f"{hint}The attacks of this study are dosed in: {', '.join(dosed)}."
            raise InputError(f"attacker.budget.{axis}", "unknown key", remedy)


def check_search(protocol: Protocol) -> None:
    """What is searched can be: with trials, prompts to try them on, and tasks that tell a usable subject."""
    attacker = protocol.attacker
    searched = [index for index, choice in enumerate(attacker.attack) if choice.search is not None]
    if attacker.search is None:
        for index in searched[:1]:
            remedy = "Add [attacker.search] with trials = ..., or leave search out."
            raise InputError(f"attacker.attack.{index}.search", "it is not said how it is searched", remedy)
        return
    if not searched:
        remedy = 'Write search = "default" beside the name of an attack, or leave [attacker.search] out.'
        raise InputError("attacker.search", "no attack is searched", remedy)
    domain = protocol.searched_domain
    place = f"harm.domain.{protocol.harm.domain.index(domain)}.splits"
    need(domain.splits, "select", place, "searches try their configurations on it")
    if attacker.search.utility_floor > 0 and not protocol.searched_tasks:
        problem = "no task of stability has a select split, and without one the floor cannot be seen"
        raise InputError("attacker.search.utility_floor", problem, "Give a task a select split, or write 0.")


def check_ladders(protocol: Protocol) -> None:
    """Each ladder goes from 0 over the budget."""
    attacker = protocol.attacker
    _check_ladder("attacker.ladder", Dosing("", STEPS, attacker.ladder, attacker.budget.steps))
    for index, (choice, dosing) in enumerate(zip(attacker.attack, attacker.dosings, strict=True)):
        if choice.ladder:
            _check_ladder(f"attacker.attack.{index}.ladder.{dosing.axis.name}", dosing)


def _check_ladder(place: str, dosing: Dosing) -> None:
    """A ladder begins with 0 and increases to the budget, which is one of its rungs, or beyond."""
    ladder, budget, axis = dosing.ladder, dosing.budget, dosing.axis.name
    check_increasing(place, ladder)
    if ladder[0] != 0:
        raise InputError(place, f"begins with {ladder[0]}", "Begin with 0, the untouched subject.")
    if ladder[-1] < budget:
        remedy = f"Add rungs up to {budget} at least, or lower the budget."
        raise InputError(place, f"ends at {ladder[-1]}, below the budget of {budget} {axis}", remedy)
    if budget not in ladder:
        below = max(dose for dose in ladder if dose < budget)
        above = min(dose for dose in ladder if dose > budget)
        remedy = f"Add {budget} to {place}, or take {below} or {above}."
        raise InputError(f"attacker.budget.{axis}", f"{budget} is not a rung of the ladder", remedy)
