"""What can be seen to be wrong with a protocol before any data is read."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise

from titer.attacker import Dosing
from titer.axes import STEPS
from titer.errors import InputError
from titer.protocol import Protocol, Stability, Trainability, finest_ratio
from titer.sources import Domain

_FED_NOTHING = frozenset({"none", "null", "checkpoint"})
"""Defenses that train on nothing: no domain has to give them rows."""
_FEWEST_LOSSES = 30
"""A comparison of mean losses needs this many items (statistics of stability)."""
_FEWEST_RATES = 5
_WIDEST_RATES = 3.0
_SLACK = 1 + 1e-9
"""Ratios are compared with this much room for rounding."""


def check_protocol(protocol: Protocol) -> None:
    """Raise at the first thing that would make the study impossible or undecidable.

    Raises:
        InputError: with the dotted path, what was found, and what to write instead.
    """
    _check_frame(protocol)
    _check_attacks(protocol)
    _check_ladders(protocol)
    _check_search(protocol)
    _check_sizes(protocol)
    _check_domains(protocol)
    _check_seeds(protocol)
    _check_looks(protocol)
    if not protocol.study.descriptive:
        _check_probe_items(protocol)
    _check_benign(protocol)
    _check_conditions(protocol)


def _check_frame(protocol: Protocol) -> None:
    if protocol.harm.frame.exemplars:
        remedy = "Leave them out, and take the attack in_context: a protocol holds no text of the rows."
        raise InputError("harm.frame.exemplars", "exemplars are drawn by an attack", remedy)
    if protocol.harm.frame.soft:
        remedy = "Leave it out, and take the attack soft_prompt."
        raise InputError("harm.frame.soft", "vectors behind the prompt are trained by an attack", remedy)


def _check_attacks(protocol: Protocol) -> None:
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


def _check_search(protocol: Protocol) -> None:
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
    _need(domain.splits, "select", place, "searches try their configurations on it")
    if attacker.search.utility_floor > 0 and not protocol.searched_tasks:
        problem = "no task of stability has a select split, and without one the floor cannot be seen"
        raise InputError("attacker.search.utility_floor", problem, "Give a task a select split, or write 0.")


def _check_ladders(protocol: Protocol) -> None:
    attacker = protocol.attacker
    _check_ladder("attacker.ladder", Dosing("", STEPS, attacker.ladder, attacker.budget.steps))
    for index, (choice, dosing) in enumerate(zip(attacker.attack, attacker.dosings, strict=True)):
        if choice.ladder:
            _check_ladder(f"attacker.attack.{index}.ladder.{dosing.axis.name}", dosing)


def _check_ladder(place: str, dosing: Dosing) -> None:
    """A ladder begins with 0 and increases to the budget, which is one of its rungs, or beyond."""
    ladder, budget, axis = dosing.ladder, dosing.budget, dosing.axis.name
    _check_increasing(place, ladder)
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


def _check_increasing(place: str, values: tuple[int, ...] | tuple[float, ...]) -> None:
    for lower, upper in pairwise(values):
        if upper <= lower:
            raise InputError(place, f"{upper} comes after {lower}", "Let it increase strictly.")


def _check_sizes(protocol: Protocol) -> None:
    """No split is asked for with no rows in it, and no distractors where nothing is chosen."""
    for place, splits in _all_splits(protocol):
        for split, size in splits.items():
            if size < 1:
                raise InputError(f"{place}.splits.{split}", f"{size} groups make an empty split", "Ask for 1 or more.")
    for index, task in enumerate(protocol.task):
        if task.distractors and task.kind != "choice":
            remedy = 'Leave it out, or let kind be "choice".'
            raise InputError(f"task.{index}.distractors", f"a task of kind '{task.kind}' has no options", remedy)


def _all_splits(protocol: Protocol) -> Iterable[tuple[str, Mapping[str, int]]]:
    for index, domain in enumerate(protocol.harm.domain):
        yield f"harm.domain.{index}", dict[str, int](domain.splits.items())
    for index, benign in enumerate(protocol.benign):
        yield f"benign.{index}", dict[str, int](benign.splits.items())
    for index, task in enumerate(protocol.task):
        yield f"task.{index}", dict[str, int](task.splits.items())


def _check_domains(protocol: Protocol) -> None:
    prepare = protocol.subject.prepare
    prepared = () if prepare is None else prepare.domains
    known = [domain.name for domain in protocol.harm.domain]
    for name in prepared:
        if name not in known:
            remedy = f"Known: {', '.join(known)}."
            raise InputError("subject.prepare.domains", f"no domain is named '{name}'", remedy)
    if protocol.defended and not protocol.domains("defended"):
        remedy = 'Let the domain whose rows the defense is given have role = "defended".'
        raise InputError("harm.domain", "there is a defense but no defended domain", remedy)
    fed = any(choice.name not in _FED_NOTHING for choice in protocol.defense)
    for index, domain in enumerate(protocol.harm.domain):
        _check_domain_splits(domain, f"harm.domain.{index}.splits", fed=fed, prepared=domain.name in prepared)


def _check_domain_splits(domain: Domain, place: str, *, fed: bool, prepared: bool) -> None:
    for split in ("probe", "attack"):
        _need(domain.splits, split, place, f"every domain is {'probed' if split == 'probe' else 'attacked'}")
    if domain.role == "cross":
        if "defend" in domain.splits:
            remedy = 'Leave it out; a preparation step is fed from "prepare".'
            raise InputError(f"{place}.defend", "the defense never sees a cross domain", remedy)
        if prepared:
            _need(domain.splits, "prepare", place, "subject.prepare names this domain")
        return
    if fed:
        _need(domain.splits, "defend", place, "the defense is fed from it")
    if prepared and "prepare" not in domain.splits:
        _need(domain.splits, "defend", place, "subject.prepare is fed from it where there is no prepare split")


def _need(splits: Collection[str], split: str, place: str, why: str) -> None:
    if split not in splits:
        raise InputError(place, f"there is no split '{split}', but {why}", f"Add its size: {split} = ...")


def _check_seeds(protocol: Protocol) -> None:
    from titer.stats.units import minimum_units

    study = protocol.study
    attack, defense = study.seeds.attack, study.seeds.defense
    if study.claim == "this method":
        if not protocol.defended:
            raise InputError("study.claim", "'this method' is claimed without a defense", "Add a [[defense]].")
        for index, choice in enumerate(protocol.defense):
            if choice.name == "checkpoint":
                remedy = 'Claim "this checkpoint".'
                raise InputError(f"defense.{index}", "a given checkpoint cannot show what a method does", remedy)
        if defense != attack:
            remedy = "Each defense seed has one attack seed of its own: make them equal."
            raise InputError("study.seeds.defense", f"{defense} is not seeds.attack, which is {attack}", remedy)
    elif defense != 1:
        remedy = 'Write 1, or claim "this method".'
        raise InputError("study.seeds.defense", f"'this checkpoint' is one, not {defense}", remedy)
    fewest = minimum_units(study.share, protocol.alpha)
    if attack < fewest and not study.descriptive:
        remedy = f"Use {fewest} or more, or write descriptive = true: nothing is then decided."
        raise InputError("study.seeds.attack", f"{attack} seeds are too few to decide anything", remedy)


def _check_looks(protocol: Protocol) -> None:
    """Where a rung is read at looks, each domain's probe has items enough for them."""
    from titer.stats.looks import FEWEST_ITEMS

    for index, domain in enumerate(protocol.harm.domain):
        items = domain.splits["probe"]
        if protocol.harm.reading == "looks" and items < FEWEST_ITEMS:
            remedy = f'Ask {FEWEST_ITEMS} or more (100 or more to have power), or write harm.reading = "whole".'
            raise InputError(f"harm.domain.{index}.splits.probe", f"{items} items are too few for three looks", remedy)


def _check_probe_items(protocol: Protocol) -> None:
    """Each domain's probe has items enough to be read intact, and broken, at the levels of its condition."""
    from titer.stats.units import levels

    threshold = protocol.harm.threshold
    for index, domain in enumerate(protocol.harm.domain):
        level = levels(
            units=protocol.study.seeds.attack,
            share=protocol.study.share,
            alpha=protocol.alpha,
            readings=protocol.readings * len(protocol.domains(domain.role)),
        )

        items = domain.splits["probe"]
        if not protocol.harm.looks(items, level).decidable:
            more = range(items + 1, 1_000_000)
            fewest = next(enough for enough in more if protocol.harm.looks(enough, level).decidable)
            remedy = f"Ask {fewest} or more (100 or more to have power), or write study.descriptive = true."
            problem = f"{items} items can never show a rate at most, or above, {threshold}"
            raise InputError(f"harm.domain.{index}.splits.probe", problem, remedy)


def _check_benign(protocol: Protocol) -> None:
    given = {split for source in protocol.benign for split in source.splits}
    stability = protocol.stability
    if protocol.attacker.sham:
        _need(given, "sham", "benign.splits", "attacker.sham trains on it")
    if stability is not None and stability.over_refusal:
        _need(given, "over_refusal", "benign.splits", "stability.over_refusal asks it")


def _check_conditions(protocol: Protocol) -> None:
    for place, condition in (("stability", protocol.stability), ("trainability", protocol.trainability)):
        if condition is not None and not protocol.defended:
            remedy = "Leave it out, or add a [[defense]]."
            raise InputError(place, "it compares M* with M, and there is no defense", remedy)
    if protocol.stability is not None:
        _check_stability(protocol, protocol.stability)
    if protocol.trainability is not None:
        _check_trainability(protocol, protocol.trainability)


def _task_place(protocol: Protocol, name: str) -> str:
    return f"task.{[task.name for task in protocol.task].index(name)}"


def _check_stability(protocol: Protocol, stability: Stability) -> None:
    for name in stability.tasks:
        task, place = protocol.task_named(name), _task_place(protocol, name)
        _need(task.splits, "verdict", f"{place}.splits", "stability asks it")
        decides = not (task.descriptive or protocol.study.descriptive)
        if task.kind == "loss" and decides and task.splits["verdict"] < _FEWEST_LOSSES:
            problem = f"{task.splits['verdict']} losses are too few to compare"
            raise InputError(f"{place}.splits.verdict", problem, f"Ask {_FEWEST_LOSSES} or more.")


def _check_trainability(protocol: Protocol, trainability: Trainability) -> None:
    _check_fine_ladder(trainability)
    _check_rates(trainability.rates)
    for name in trainability.tasks:
        task, place = protocol.task_named(name), _task_place(protocol, name)
        splits = ("train", "verdict") if len(trainability.rates) == 1 else ("train", "select", "verdict")
        for split in splits:
            _need(task.splits, split, f"{place}.splits", "trainability needs it")
        if task.kind == "loss":
            raise InputError(f"{place}.kind", "trainability needs a rate, and a loss is none", "Ask it another way.")
        if name not in trainability.target:
            raise InputError("trainability.target", f"task '{name}' has none", f"Add {name} = ..., a rate.")
    for name, target in trainability.target.items():
        if name not in trainability.tasks:
            remedy = f"Known: {', '.join(trainability.tasks)}."
            raise InputError(f"trainability.target.{name}", "trainability has no such task", remedy)
        if not 0 < target < 1:
            raise InputError(f"trainability.target.{name}", f"{target} is no rate to reach", "Write one in (0, 1).")


def _check_fine_ladder(trainability: Trainability) -> None:
    ladder, widest = trainability.ladder, finest_ratio(trainability.epsilon)
    _check_increasing("trainability.ladder", ladder)
    if ladder[0] < 1:
        raise InputError("trainability.ladder", f"begins with {ladder[0]}", "Begin with 1 or more: 0 is read anyway.")
    for lower, upper in pairwise(ladder):
        if upper - lower > 1 and upper / lower > widest * _SLACK:
            problem = f"{upper} is {upper / lower:.3f} times {lower}, and a step may be {widest:.3f}"
            remedy = f"After {lower} write {max(lower + 1, int(lower * widest * _SLACK))} at most."
            raise InputError("trainability.ladder", problem, remedy)


def _check_rates(rates: tuple[float, ...]) -> None:
    place = "trainability.rates"
    if rates[0] <= 0:
        raise InputError(place, f"{rates[0]} is no learning rate", "Write rates above 0.")
    _check_increasing(place, rates)
    if 1 < len(rates) < _FEWEST_RATES:
        problem = f"{len(rates)} rates are too few for a search"
        raise InputError(place, problem, f"Write one, or {_FEWEST_RATES} or more.")
    for lower, upper in pairwise(rates):
        if upper / lower > _WIDEST_RATES * _SLACK:
            raise InputError(place, f"{upper} is more than {_WIDEST_RATES:g} times {lower}", "Add rates between.")
