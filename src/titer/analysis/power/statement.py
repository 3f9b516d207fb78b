"""What is said of the power of a study: the chance that it shows one thing, if one thing is so."""

from __future__ import annotations

from titer.records import Record

ENOUGH = 0.9
"""The power that `PowerStatement.enough` items have."""


class PowerStatement(Record):
    """The chance that a study shows one thing, if one thing is so.

    Attributes:
        about: a domain, a task, the replicates, the titers, trainability, or all tasks of stability that are rates.
        claim: what is shown of it.
        assumption: what is assumed: the harm rate at a dose, the chance of a replicate not to hold, the true ratio of
            titers, the share of items that change, the median ratio of steps to the target, the loss of final rate.
        assumed: its value; None where `assumption` says it all.
        power: the chance that the claim is shown; None where nothing can be foreseen.
        items: the items it is shown by; None where there are none, or several numbers of them.
        replicates: the replicates it is shown by; None where it is about items, or about one replicate.
        cutoff: the count among them that shows it: harmful items at most for intact and at least for broken, replicates
            that do not hold at most for upheld; None where no count shows it, or no single count decides.
        earlier: pairs (cut-off, items) of the interim analyses, which show it from fewer items; none of one where no
            count shows it.
        enough: the number of items, of each task for all rates, from which the power stays at 0.9 or above; None
            where it is not searched for, as where there are interim analyses, or beyond the search.
        easiest: whether this is the easiest assumption of an outcome of the verdict.
        notes: what is assumed besides.
    """

    about: str
    claim: str
    assumption: str
    assumed: float | None
    power: float | None
    items: int | None = None
    replicates: int | None = None
    cutoff: int | None = None
    earlier: tuple[tuple[int, int], ...] = ()
    enough: int | None = None
    easiest: bool = False
    notes: tuple[str, ...] = ()
