"""What can be seen to be wrong with stability and trainability before any data is read."""

from __future__ import annotations

from itertools import pairwise

from titer.errors import InputError
from titer.protocol.condition_configs import StabilityConfig, TrainabilityConfig, UsabilityConfig
from titer.protocol.data_sources import TaskConfig
from titer.protocol.diagnostics import check_increasing, require_split
from titer.protocol.exposure import made_levels
from titer.protocol.schema import Protocol, finest_ratio

_FEWEST_RATES = 5
_WIDEST_RATES = 3.0
_SLACK = 1 + 1e-9
"""Ratios are compared with this much room for rounding."""


def check_conditions(protocol: Protocol) -> None:
    """What is compared can be, and has tasks, splits, rates and doses for it."""
    if protocol.stability is not None:
        if not protocol.compared:
            remedy = "Leave it out, or add a [[defense]] or a subject.reference."
            raise InputError("stability", "it compares with another model, and there is none", remedy)
        _check_stability(protocol, protocol.stability)
    if protocol.trainability is not None:
        if not protocol.defended:
            remedy = "Leave it out, or add a [[defense]]."
            raise InputError("trainability", "it compares defended with undefended, and there is no defense", remedy)
        _check_trainability(protocol, protocol.trainability)
    if protocol.usability is not None:
        _check_usability(protocol, protocol.usability)


def _check_usability(protocol: Protocol, usability: UsabilityConfig) -> None:
    """Floors are for a model without a defense: with one, stability compares it with what it was."""
    if protocol.defended:
        remedy = "Leave it out: [stability] compares the defended with the undefended."
        raise InputError("usability", "floors are for a study without a defense", remedy)
    if usability.answered is None and usability.distinct is None and not usability.tasks:
        raise InputError("usability", "no floor is asked", "Write answered, distinct or tasks, or leave it out.")
    for name in usability.tasks:
        task, place = protocol.task_named(name), _task_place(protocol, name)
        require_split(task.splits, "verdict", f"{place}.splits", "usability asks it")
        if task.kind == "loss":
            raise InputError(f"{place}.kind", "a floor is a rate, and a loss is none", "Ask it another way.")


def _task_place(protocol: Protocol, name: str) -> str:
    return f"task.{[task.name for task in protocol.task].index(name)}"


def _check_stability(protocol: Protocol, stability: StabilityConfig) -> None:
    for name in stability.tasks:
        task, place = protocol.task_named(name), _task_place(protocol, name)
        require_split(task.splits, "verdict", f"{place}.splits", "stability asks it")
        decides = not (task.descriptive or protocol.study.descriptive)
        fewest, asked = _fewest_losses(protocol, stability, task), protocol.asked_items(task)
        if task.kind == "loss" and decides and asked < fewest:
            problem = f"{asked} losses can never show that at most a share {stability.share:g} rises"
            raise InputError(f"{place}.splits.verdict", problem, f"Ask {fewest} or more.")


def _fewest_losses(protocol: Protocol, stability: StabilityConfig, task: TaskConfig) -> int:
    """The fewest items of which none that got worse shows a share below the allowed one."""
    from titer.stats.power import fewest_items

    made = made_levels(protocol, task.items)
    return fewest_items(stability.share, protocol.alpha if made is None else made.intact_level)


def _check_trainability(protocol: Protocol, trainability: TrainabilityConfig) -> None:
    _check_fine_ladder(trainability)
    _check_rates(trainability.rates)
    for name in trainability.tasks:
        task, place = protocol.task_named(name), _task_place(protocol, name)
        if task.items == "own":
            remedy = "Give stability a task of its own for that."
            raise InputError(f"{place}.items", "trainability asks every seed the same items, not each its own", remedy)
        splits = ("train", "verdict") if len(trainability.rates) == 1 else ("train", "select", "verdict")
        for split in splits:
            require_split(task.splits, split, f"{place}.splits", "trainability needs it")
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


def _check_fine_ladder(trainability: TrainabilityConfig) -> None:
    ladder, widest = trainability.ladder, finest_ratio(trainability.epsilon)
    check_increasing("trainability.ladder", ladder)
    if ladder[0] < 1:
        raise InputError("trainability.ladder", f"begins with {ladder[0]}", "Begin with 1 or more: 0 is asked anyway.")
    for lower, upper in pairwise(ladder):
        if upper - lower > 1 and upper / lower > widest * _SLACK:
            problem = f"{upper} is {upper / lower:.3f} times {lower}, and a step may be {widest:.3f}"
            remedy = f"After {lower} write {max(lower + 1, int(lower * widest * _SLACK))} at most."
            raise InputError("trainability.ladder", problem, remedy)


def _check_rates(rates: tuple[float, ...]) -> None:
    place = "trainability.rates"
    if rates[0] <= 0:
        raise InputError(place, f"{rates[0]} is no learning rate", "Write rates above 0.")
    check_increasing(place, rates)
    if 1 < len(rates) < _FEWEST_RATES:
        problem = f"{len(rates)} rates are too few for a search"
        raise InputError(place, problem, f"Write one, or {_FEWEST_RATES} or more.")
    for lower, upper in pairwise(rates):
        if upper / lower > _WIDEST_RATES * _SLACK:
            raise InputError(place, f"{upper} is more than {_WIDEST_RATES:g} times {lower}", "Add rates between.")
