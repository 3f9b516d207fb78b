"""What can be seen to be wrong with the attacker of a protocol before any data is read."""

from __future__ import annotations

import difflib
import itertools

from titer.errors import InputError
from titer.protocol.attacker import DoseSchedule, UtilityLimit
from titer.protocol.diagnostics import check_increasing, require_split
from titer.protocol.dose_axes import STEPS
from titer.protocol.schema import Protocol


def check_attacks(protocol: Protocol) -> None:
    """No two attacks are the same, and no budget is of an axis that none is dosed on."""
    labels = [choice.label for choice in protocol.attacker.attack]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            remedy = "Change it, or leave it out: study.seeds.attack repeats an attack."
            raise InputError(f"attacker.attack.{index}", f"it is the same as attack {labels.index(label)}", remedy)
    chosen_attack = [STEPS.name, *(axis.name for axis in protocol.attacker.budgets if axis != STEPS)]
    for axis in protocol.attacker.budget.axes:
        if axis not in chosen_attack:
            close = difflib.get_close_matches(axis, chosen_attack, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            remedy = f"{hint}The attacks of this study are dosed in: {', '.join(chosen_attack)}."
            raise InputError(f"attacker.budget.{axis}", "unknown key", remedy)


def check_domains(protocol: Protocol) -> None:
    """Each attack is run in domains that there are, and each domain of a study that decides has one."""
    known = [domain.name for domain in protocol.harm.domain]
    for index, choice in enumerate(protocol.attacker.attack):
        for name in choice.domains or ():
            if name not in known:
                place, remedy = f"attacker.attack.{index}.domains", f"Known: {', '.join(known)}."
                raise InputError(place, f"no domain is named '{name}'", remedy)
        if choice.search is not None and choice.domains and protocol.searched_domain.name not in choice.domains:
            problem = f"searches try their configurations in {protocol.searched_domain.name}, where it is not run"
            raise InputError(f"attacker.attack.{index}.domains", problem, "Add it, or leave search out.")
    for index, name in enumerate(() if protocol.study.descriptive else known):
        if not any(schedule.runs_in(name) for schedule in protocol.attacker.schedules):
            remedy = "Add it to the domains of one, or leave the domain out."
            raise InputError(f"harm.domain.{index}", f"no attack is run in '{name}'", remedy)


def check_search(protocol: Protocol) -> None:
    """What is searched can be: with trials, prompts to try them on, and answers that tell a usable subject."""
    attacker = protocol.attacker
    searched = [index for index, choice in enumerate(attacker.attack) if choice.search is not None]
    for index, choice in enumerate(attacker.attack):
        for key, own in (("fixed", choice.fixed), ("begin", choice.begin)):
            if own is not None and choice.search is None:
                remedy = 'Write search = "default" beside it, or leave it out.'
                raise InputError(f"attacker.attack.{index}.{key}", "this attack is not searched", remedy)
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
    require_split(domain.splits, "select", place, "searches try their configurations on it")
    _check_utility(protocol, attacker.search.utility)


def _check_utility(protocol: Protocol, limit: UtilityLimit | None) -> None:
    """There are harmless answers enough to show that few of them get worse, if none does."""
    from titer.stats.binomial import at_most

    answers = sum(benign.splits.get("select", 0) for benign in protocol.benign)
    if limit is None:
        return
    if not answers:
        remedy = "Add select = 100 to the splits of a [[benign]] source: answers whose loss the attack must not raise."
        raise InputError("attacker.search.utility", "there are no harmless answers to see it by", remedy)
    if at_most(0, answers, limit.share) > protocol.alpha * (1 + 1e-12):
        least = next(n for n in itertools.count(answers) if at_most(0, n, limit.share) <= protocol.alpha)
        problem = f"{answers} answers cannot show that at most {limit.share:g} of them get worse, though none does"
        raise InputError("attacker.search.utility", problem, f"Take {least} benign select rows or more; 100 are usual.")


def check_ladders(protocol: Protocol) -> None:
    """Each ladder goes from 0 over the budget."""
    attacker = protocol.attacker
    _check_ladder("attacker.ladder", DoseSchedule("", STEPS, attacker.ladder, attacker.budget.steps))
    for index, (choice, schedule) in enumerate(zip(attacker.attack, attacker.schedules, strict=True)):
        if choice.ladder:
            _check_ladder(f"attacker.attack.{index}.ladder.{schedule.axis.name}", schedule)


def _check_ladder(place: str, schedule: DoseSchedule) -> None:
    """A ladder begins with 0 and increases to the budget, which is one of its doses, or beyond."""
    ladder, budget, axis = schedule.ladder, schedule.budget, schedule.axis.name
    check_increasing(place, ladder)
    if ladder[0] != 0:
        raise InputError(place, f"begins with {ladder[0]}", "Begin with 0, the baseline subject.")
    if ladder[-1] < budget:
        remedy = f"Add doses up to {budget} at least, or lower the budget."
        raise InputError(place, f"ends at {ladder[-1]}, below the budget of {budget} {axis}", remedy)
    if budget not in ladder:
        below = max(dose for dose in ladder if dose < budget)
        above = min(dose for dose in ladder if dose > budget)
        remedy = f"Add {budget} to {place}, or take {below} or {above}."
        raise InputError(f"attacker.budget.{axis}", f"{budget} is not a dose of the ladder", remedy)
