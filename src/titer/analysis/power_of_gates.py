"""What a release gate can decide, foreseen: its floors of usability, and whether its ladder can show any power."""

from __future__ import annotations

from collections.abc import Iterator

from titer.analysis.power_statement import PowerStatement
from titer.analysis.sentences import usability as said
from titer.protocol.schema import Protocol
from titer.stats.binomial import at_least, broken_cutoff

ABOVE = (0.1, 0.2, 0.4)
"""How far above its floor a rate is assumed."""


def floors(protocol: Protocol) -> Iterator[PowerStatement]:
    """That each floor is shown met, at rates above it."""
    plan = protocol.usability
    if plan is None:
        return
    usable = sum(source.splits.get("usable", 0) for source in protocol.benign)
    asked = [(said.ANSWERED.en, plan.answered, usable), (said.DISTINCT.en, plan.distinct, usable // 2)]
    asked += [(name, least, protocol.asked_items(protocol.task_named(name))) for name, least in plan.tasks.items()]
    for name, least, items in asked:
        if least is None:
            continue
        cutoff = broken_cutoff(items, least, protocol.alpha)
        for above in ABOVE:
            rate = min(1.0, least + above)
            yield PowerStatement(
                about=name,
                claim=f"at least {least:g} shown",
                assumption="rate",
                assumed=rate,
                power=0.0 if cutoff is None else at_least(cutoff, items, rate),
                items=items,
                cutoff=cutoff,
                easiest=above == ABOVE[-1],
            )


def without_power(protocol: Protocol) -> str | None:
    """Why nothing can be upheld however well a model resists; None where the attacks can show that they have power.

    Without a defense and a reference that is by breaking the model itself beyond the budget.
    """
    beyond = any(schedule.ladder[-1] > schedule.budget for schedule in protocol.attacker.schedules)
    if protocol.compared or beyond:
        return None
    return (
        "Nothing shows that the attacks have power unless they break the model, and every ladder ends at its budget: "
        "this study can be refuted or undecided, never upheld. Name a subject.reference, or lengthen a ladder."
    )
