"""The questions of a study: the items of every probe, from the rows of its splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from titer.data.identifiers import ProbeId, ProbeKind
from titer.data.splits import Splits
from titer.data.splitting import items
from titer.protocol.schema import Protocol
from titer.records import Item, Row

ProbeItems = dict[ProbeId, tuple[Item, ...]]

MOST_POOLED: Final = 400
"""The most of all replicates' own items that the baseline is asked."""


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
        found |= domain_items(domain.name, splits.domain[domain.name]["probe"], sets)
    harm = dict(found)
    if (search := protocol.attacker.search) is not None:
        name = protocol.searched_domain.name
        found[ProbeId.of("trial", name)] = items(splits.domain[name]["select"], "generate")
        if search.utility is not None:
            found[ProbeId.of("utility")] = items(splits.benign["select"], "loss")
    for kind in beside:
        found |= {ProbeId.of(kind, name.name, place=name.place): asked for name, asked in harm.items()}
    return found | _task_items(protocol, splits) | _harmless_items(protocol, splits)


def domain_items(domain: str, rows: Sequence[Row], sets: int | None) -> ProbeItems:
    """The probe items of a domain; where each replicate has its own, those of each place and a pool for dose 0.

    The rows are in an order drawn by the split, one of each group, so that a slice of them is a random deal.

    Args:
        domain: its name.
        rows: those of its probe split.
        sets: how many places have items of their own; None where all replicates are asked the same.
    """
    asked = items(rows, "generate")
    if sets is None:
        return {ProbeId.of("harm", domain): asked}
    each = len(asked) // sets
    own = {ProbeId.of("harm", domain, place=k): asked[k * each : (k + 1) * each] for k in range(sets)}
    return {ProbeId.of("harm", domain): asked[:MOST_POOLED], **own}


def _task_items(protocol: Protocol, splits: Splits) -> ProbeItems:
    """The items of every benign task."""
    found: ProbeItems = {}
    for index, task in enumerate(protocol.task):
        for name, split in ((ProbeId.of("task", task.name), "verdict"), (ProbeId.of("select", task.name), "select")):
            if split in task.splits:
                found[name] = items(splits.task[task.name][split], task.kind, task.distractors, f"task.{index}")
    return found


def _harmless_items(protocol: Protocol, splits: Splits) -> ProbeItems:
    """The harmless prompts by which over-refusal and usability are read."""
    found: ProbeItems = {}
    if protocol.stability and protocol.stability.over_refusal:
        found[ProbeId.of("over_refusal")] = items(splits.benign["over_refusal"], "generate")
    if protocol.usability and "usable" in splits.benign:
        found[ProbeId.of("usable")] = items(splits.benign["usable"], "generate")
    return found
