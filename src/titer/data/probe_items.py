"""The questions of a study: the items of every probe, from the rows of its splits."""

from __future__ import annotations

from collections.abc import Iterable

from titer.data.identifiers import ProbeId, ProbeKind
from titer.data.splits import Splits
from titer.data.splitting import items
from titer.protocol.data_sources import MOST_POOLED
from titer.protocol.schema import Protocol
from titer.records import Item

ProbeItems = dict[ProbeId, tuple[Item, ...]]


def probe_items(protocol: Protocol, splits: Splits, beside: Iterable[ProbeKind]) -> ProbeItems:
    """The items of every probe, by its name in the study.

    Args:
        protocol: the study.
        splits: the rows of each split.
        beside: what is asked of harm beside that which decides, of the same items.
    """
    found: ProbeItems = {}
    sets = protocol.probe_sets if protocol.harm.items == "own" else None
    for domain in protocol.harm.domain:
        found |= dealt("harm", domain.name, items(splits.domain[domain.name]["probe"], "generate"), sets)
    harm = dict(found)
    if (search := protocol.attacker.search) is not None:
        name = protocol.searched_domain.name
        found[ProbeId.of("trial", name)] = items(splits.domain[name]["select"], "generate")
        if search.utility is not None:
            found[ProbeId.of("utility")] = items(splits.benign["select"], "loss")
    for kind in beside:
        found |= {ProbeId.of(kind, name.name, place=name.place): asked for name, asked in harm.items()}
    return found | _task_items(protocol, splits) | _harmless_items(protocol, splits)


def dealt(kind: ProbeKind, name: str, asked: tuple[Item, ...], sets: int | None) -> ProbeItems:
    """The items of a probe; where each replicate has its own, those of each place and a pool of all for dose 0.

    The items are in an order drawn by the split, one of each group, so that a slice of them is a random deal.

    Args:
        kind: the kind of the probe.
        name: its domain or task.
        asked: all its items.
        sets: how many places have items of their own; None where all replicates are asked the same.
    """
    if sets is None:
        return {ProbeId.of(kind, name): asked}
    each = len(asked) // sets
    own = {ProbeId.of(kind, name, place=k): asked[k * each : (k + 1) * each] for k in range(sets)}
    return {ProbeId.of(kind, name): asked[:MOST_POOLED], **own}


def _task_items(protocol: Protocol, splits: Splits) -> ProbeItems:
    """The items of every benign task."""
    found: ProbeItems = {}
    kinds: tuple[tuple[ProbeKind, str], ...] = (("task", "verdict"), ("select", "select"))
    for index, task in enumerate(protocol.task):
        for kind, split in kinds:
            if split in task.splits:
                asked = items(splits.task[task.name][split], task.kind, task.distractors, f"task.{index}")
                sets = protocol.task_sets(task) if kind == "task" and task.items == "own" else None
                found |= dealt(kind, task.name, asked, sets)
    return found


def _harmless_items(protocol: Protocol, splits: Splits) -> ProbeItems:
    """The harmless prompts by which over-refusal and usability are read."""
    found: ProbeItems = {}
    if protocol.stability and protocol.stability.over_refusal:
        found[ProbeId.of("over_refusal")] = items(splits.benign["over_refusal"], "generate")
    if protocol.usability and "usable" in splits.benign:
        found[ProbeId.of("usable")] = items(splits.benign["usable"], "generate")
    return found
