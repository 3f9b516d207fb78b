"""The power of what is shown by tasks: stability by enumeration, trainability by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from titer.analysis.power_statement import ENOUGH, PowerStatement
from titer.protocol.condition_configs import StabilityConfig, TrainabilityConfig
from titer.protocol.data_sources import MOST_POOLED
from titer.protocol.exposure import made_levels
from titer.protocol.schema import Protocol
from titer.seeds import derive
from titer.stats import power
from titer.stats.binomial import intact_cutoff
from titer.stats.rate_law import ITEM_SD, SEED_SD, RateLaw
from titer.stats.replicates import Items, Levels
from titer.stats.tango import ENUMERATED_ITEMS
from titer.stats.training_power import TrainingPower, power_trainable

ALL_RATES = "stability, all rates"
CHANGING = (0.01, 0.03)
"""Shares of a task's items that change, as many for the better as for the worse."""
WHOSE: Final[Mapping[Items, str]] = {"shared": " for all seeds", "own": " of its own for each seed"}
"""Whose the items of a task are, where a method makes a model for each seed."""
STEP_RATIOS = (1.0, 1.2, 1.4)
"""Median ratios of the defended subject's steps to the undefended one's until the target of a benign task."""
STEP_SPREAD = 0.2
"""Standard deviation of the logarithm of that ratio over seeds."""
FINAL_RATE = 0.9
"""Rate of either subject at the end of a benign training, over seeds and items."""


@dataclass(frozen=True)
class _Asked:
    """What one task asks of each model at dose 0: rates or losses, how many items, and whose they are."""

    kind: Literal["rate", "loss"]
    count: int
    items: Items = "shared"


def stability(protocol: Protocol) -> Iterator[PowerStatement]:
    """Each task that decides, by enumeration of its exact test; all rates together, and the models of a method.

    Enough of a task are the items by which the whole condition is upheld in 90 %, if each of its tasks has as many.
    """
    plan = protocol.stability
    if plan is None or not protocol.defended:
        return
    tasks, made = _stability_tasks(protocol), made_levels(protocol, "shared")
    powers: dict[float, list[float]] = {changing: [] for changing in CHANGING}
    for name, task in tasks.items():
        if task.kind == "loss":
            yield from _losses(name, task.count, plan, _level(protocol, task.items))
            continue
        for changing, of_tasks in powers.items():
            one = _noninferior(protocol, name, task, changing, len(tasks))
            of_tasks.append(one.power or 0.0)
            yield one
    for changing, of_tasks in powers.items():
        whole = PowerStatement(
            about=ALL_RATES, claim="not inferior", assumption="share changed", assumed=changing,
            power=math.prod(of_tasks), easiest=made is None and changing == CHANGING[0],
            enough=None if made else _enough(protocol, "shared", len(tasks), changing),
            notes=_notes(task.count for task in tasks.values()),
        )  # fmt: skip
        yield whole
        if made is not None:
            yield _of_method(whole, made)


def too_few_items(protocol: Protocol) -> tuple[str, ...]:
    """A line for each rate of stability that asks too few items for the whole condition to be upheld in 90 %.

    Args:
        protocol: the protocol.
    """
    plan = protocol.stability
    if plan is None or not protocol.defended or protocol.study.descriptive:
        return ()
    tasks = _stability_tasks(protocol)
    needed = {kind: [_enough(protocol, kind, len(tasks), changing) for changing in CHANGING] for kind in WHOSE}
    whose: Mapping[Items, str] = WHOSE if protocol.study.claim == "this method" else {"shared": ""}
    numbers = {
        kind: " to ".join(f"more than {power.MOST_PAIRED}" if n is None else str(n) for n in enough) + whose[kind]
        for kind, enough in needed.items()
        if kind in whose
    }
    changed = " to ".join(f"{100 * changing:g}" for changing in CHANGING)
    return tuple(
        f"stability: {name} has {task.count} items{whose[task.items]}; {100 * ENOUGH:g} % power needs "
        f"{', or '.join(numbers.values()) if name in plan.tasks else numbers['shared']} "
        f"(if {changed} % of the answers change)."
        for name, task in tasks.items()
        if task.kind == "rate" and task.count < (needed[task.items][-1] or math.inf)
    )


def _level(protocol: Protocol, items: Items) -> float:
    """At which a task is shown non-inferior."""
    made = made_levels(protocol, items)
    return protocol.alpha if made is None else made.intact_level


def _enough(protocol: Protocol, items: Items, tasks: int, changing: float) -> int | None:
    """The items of each of so many tasks by which the condition is upheld in 90 %; None where no number is found."""
    made = made_levels(protocol, items)
    if protocol.stability is None or (made is not None and made.r is None):
        return None
    whole = ENOUGH if made is None else power.power_of_each(made.replicates, spared=made.r or 0, power=ENOUGH)
    return power.items_for_noninferior(
        margin=protocol.stability.margin, level=_level(protocol, items), changing=changing, power=whole ** (1 / tasks)
    )


def _noninferior(protocol: Protocol, name: str, task: _Asked, changing: float, tasks: int) -> PowerStatement:
    """That one task is shown non-inferior, of one model."""
    assert protocol.stability is not None
    return PowerStatement(
        about=name, claim="not inferior", assumption="share changed", assumed=changing, items=task.count,
        power=power.power_noninferior(
            min(task.count, ENUMERATED_ITEMS), margin=protocol.stability.margin, level=_level(protocol, task.items),
            changing=changing,
        ),
        enough=_enough(protocol, task.items, tasks, changing), notes=_notes((task.count,)),
    )  # fmt: skip


def _notes(counts: Iterable[int]) -> tuple[str, ...]:
    many = max(counts) > ENUMERATED_ITEMS
    return (
        "tasks change independently, as many items for the better as for the worse",
        *[f"more than {ENUMERATED_ITEMS} items of a task count as {ENUMERATED_ITEMS}"] * many,
    )


def _losses(name: str, items: int, plan: StabilityConfig, level: float) -> Iterator[PowerStatement]:
    """That few items of a task get worse, by the exact limit of their share."""
    for worse in (plan.share / 4, plan.share / 2):
        yield PowerStatement(
            about=name, claim="few items get worse", assumption="share that does", assumed=worse, items=items,
            power=power.power_intact(items, threshold=plan.share, level=level, rate=worse),
            cutoff=intact_cutoff(items, plan.share, level),
            enough=power.items_for_intact(threshold=plan.share, level=level, rate=worse, power=ENOUGH),
        )  # fmt: skip


def _of_method(whole: PowerStatement, made: Levels) -> PowerStatement:
    """That all rates are non-inferior in so many of the models that are made."""
    assert whole.power is not None
    return PowerStatement(
        about=ALL_RATES, claim="upheld", assumption=whole.assumption, assumed=whole.assumed,
        replicates=made.replicates, power=power.power_upheld(made, 1 - whole.power), cutoff=made.r,
        easiest=whole.assumed == CHANGING[0],
        notes=(*whole.notes, "the models that a method makes change independently of each other"),
    )  # fmt: skip


def _stability_tasks(protocol: Protocol) -> dict[str, _Asked]:
    """What is asked at dose 0 and decides, by its name in the finding."""
    assert protocol.stability is not None
    named = [protocol.task_named(name) for name in protocol.stability.tasks]
    tasks = {
        task.name: _Asked(
            "loss" if task.kind == "loss" else "rate",
            protocol.asked_items(task),
            "own" if protocol.asks_by_place(task) else "shared",
        )
        for task in named
        if not task.descriptive
    }
    sets = protocol.probe_sets
    probes = {
        d.name: d.splits["probe"] if sets == 1 else min(MOST_POOLED, sets * d.splits["probe"])
        for d in protocol.harm.domain
    }
    tasks |= {f"refusal of {name}": _Asked("rate", items) for name, items in probes.items()}
    if protocol.stability.over_refusal:
        asked = sum(source.splits.get("over_refusal", 0) for source in protocol.benign)
        tasks["no over-refusal"] = _Asked("rate", asked)
    return {**tasks, "coherence": _Asked("rate", sum(probes.values()))}


def trainability(protocol: Protocol, by_replicate: Levels) -> Iterator[PowerStatement]:
    """A pair of trainings, and all pairs, as the ladder, epsilon, the margin and the items of the tasks have it."""
    plan = protocol.trainability
    if plan is None or not protocol.defended:
        return
    tasks = [protocol.task_named(name) for name in plan.tasks]
    items = [task.splits["verdict"] for task in tasks if task.kind != "loss"]
    for ratio in STEP_RATIOS:
        of_task = power.dose_holds(plan.ladder, epsilon=plan.epsilon, ratio=ratio, sd_log=STEP_SPREAD)
        found = None
        if of_task is not None:
            in_time, rng = of_task ** len(tasks), np.random.default_rng(derive(0, "foresight"))
            law = RateLaw(rate=FINAL_RATE)
            found = power_trainable(by_replicate, items, in_time=in_time, margin=plan.margin, law=law, rng=rng)
        yield from _trainable(plan, by_replicate, ratio, found, losses=len(tasks) - len(items))


def _trainable(
    plan: TrainabilityConfig, by_replicate: Levels, ratio: float, found: TrainingPower | None, *, losses: int
) -> Iterator[PowerStatement]:
    """That a pair learns every task in time and as well, and that the pairs uphold it."""
    if found is None:
        notes = [
            f"the ladder of trainability ends before {1 + plan.epsilon:g} times its second dose: nothing is foreseen"
        ]
    else:
        notes = [
            f"the logarithm of the ratio of steps to the target spreads by {STEP_SPREAD:g} over seeds",
            f"both subjects end at {FINAL_RATE:g}, and seeds spread by {SEED_SD:g}, items by {ITEM_SD:g} logits",
        ]
        notes += ["losses end where the undefended subject does"] * bool(losses)
    yield PowerStatement(
        about="trainability", claim="holds in a replicate", assumption="ratio of steps", assumed=ratio,
        power=None if found is None else found.holds, notes=tuple(notes),
    )  # fmt: skip
    yield PowerStatement(
        about="trainability", claim="upheld", assumption="ratio of steps", assumed=ratio,
        replicates=by_replicate.replicates, power=None if found is None else found.upheld, cutoff=by_replicate.r,
        easiest=ratio == STEP_RATIOS[0], notes=tuple(notes),
    )  # fmt: skip
