"""The power of what is shown by tasks: stability by enumeration, trainability by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from titer.analysis.power_statement import ENOUGH, PowerStatement
from titer.protocol.condition_configs import TrainabilityConfig
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
    if protocol.stability is None or not protocol.defended:
        return
    made, rates = made_levels(protocol, "shared"), list[PowerStatement]()
    for name, task in _stability_tasks(protocol).items():
        found = _task_powers(protocol, name, task)
        rates += found if task.kind == "rate" else ()
        yield from found
    for changing in CHANGING:
        alike = [one for one in rates if one.assumed == changing]
        whole = PowerStatement(
            about=ALL_RATES, claim="not inferior", assumption="share changed", assumed=changing,
            power=math.prod(one.power or 0.0 for one in alike), easiest=made is None and changing == CHANGING[0],
            enough=None if made else alike[0].enough, notes=tuple(dict.fromkeys(n for one in alike for n in one.notes)),
        )  # fmt: skip
        yield whole
        if made is not None:
            yield _of_method(whole, made)


def too_few_items(protocol: Protocol) -> tuple[str, ...]:
    """A line for each task that asks too few items, where stability is upheld in less than 90 % on the hardest truth.

    Args:
        protocol: the protocol.
    """
    if protocol.stability is None or not protocol.defended or protocol.study.descriptive:
        return ()
    tasks, made = _stability_tasks(protocol), made_levels(protocol, "shared")
    powers = {name: _task_powers(protocol, name, task) for name, task in tasks.items()}
    each = math.prod(of_task[-1].power or 0.0 for of_task in powers.values())
    if (each if made is None else power.power_upheld(made, 1 - each)) >= ENOUGH:
        return ()
    return tuple(
        f"stability: {name} has {task.count} items{WHOSE[task.items] if made else ''}; {100 * ENOUGH:g} % power needs "
        f"{_needed(protocol, name, task)} ({_if(powers[name])})."
        for name, task in tasks.items()
        if task.count < (powers[name][-1].enough or math.inf)
    )


def _needed(protocol: Protocol, name: str, task: _Asked) -> str:
    """The items that a task needs by what is assumed; of a method those of its own, too, where it can have them."""
    if protocol.study.claim == "this checkpoint":
        return _numbers(_task_powers(protocol, name, task))
    can = ("shared", "own") if name in {one.name for one in protocol.task} else ("shared",)
    kinds = [replace(task, items=items) for items in WHOSE if items in can]
    return ", or ".join(_numbers(_task_powers(protocol, name, one)) + WHOSE[one.items] for one in kinds)


def _numbers(found: Sequence[PowerStatement]) -> str:
    most = power.MOST_PAIRED if found[0].claim == "not inferior" else power.MOST_ITEMS
    return " to ".join(f"more than {most}" if one.enough is None else str(one.enough) for one in found)


def _if(found: Sequence[PowerStatement]) -> str:
    shares = " to ".join(f"{100 * (one.assumed or 0):g}" for one in found)
    return f"if {shares} % of the answers {'change' if found[0].claim == 'not inferior' else 'get worse'}"


def _task_powers(protocol: Protocol, name: str, task: _Asked) -> list[PowerStatement]:
    """That a task of one model is shown not to be worse, at each truth from the easiest to the hardest."""
    plan, made = protocol.stability, made_levels(protocol, task.items)
    assert plan is not None
    level, count = protocol.alpha if made is None else made.intact_level, task.count
    whole = ENOUGH  # of one model
    if made is not None and made.r is not None:
        whole = power.power_of_each(made.replicates, spared=made.r, power=ENOUGH)
    each = whole ** (1 / len(_stability_tasks(protocol)))
    if task.kind == "loss":
        return [
            PowerStatement(
                about=name, claim="few items get worse", assumption="share that does", assumed=worse, items=count,
                power=power.power_intact(count, threshold=plan.share, level=level, rate=worse),
                cutoff=intact_cutoff(count, plan.share, level),
                enough=power.items_for_intact(threshold=plan.share, level=level, rate=worse, power=each),
            )
            for worse in (plan.share / 4, plan.share / 2)
        ]  # fmt: skip
    return [
        PowerStatement(
            about=name, claim="not inferior", assumption="share changed", assumed=changing, items=count,
            power=power.power_noninferior(
                min(count, ENUMERATED_ITEMS), margin=plan.margin, level=level, changing=changing
            ),
            enough=power.items_for_noninferior(margin=plan.margin, level=level, changing=changing, power=each),
            notes=_notes(count),
        )
        for changing in CHANGING
    ]  # fmt: skip


def _notes(count: int) -> tuple[str, ...]:
    return (
        "tasks change independently, as many items for the better as for the worse",
        *[f"more than {ENUMERATED_ITEMS} items of a task count as {ENUMERATED_ITEMS}"] * (count > ENUMERATED_ITEMS),
    )


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
