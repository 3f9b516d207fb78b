"""Which rungs of a cell a study wants: its ladder, up to the first rung at which the study's grading shows a break."""

from __future__ import annotations

from titer.conditions.exposure import counts_of
from titer.records import Planned
from titer.store import Store


def wanted(store: Store, cell: Planned) -> tuple[int, ...]:
    """The doses that a study reads, as far as it is known; what other studies read beyond them is none of its own."""
    end = broken_dose(store, cell)
    return tuple(dose for dose in cell.doses if end is None or dose <= end)


def broken_dose(store: Store, cell: Planned) -> int | None:
    """The first dose at which the study's grading shows a break; None where none does, as far as it was read."""
    stop = cell.stop
    if stop is None:
        return None
    graders = {judge.role: judge for judge in cell.judges if judge.probe == stop.probe and judge.role in GRADING}
    for dose in cell.doses:
        if any(not store.readings(judge.key, dose).exists() for judge in graders.values()):
            return None
        values = {role: store.read_values(judge.key, dose) for role, judge in graders.items()}
        if counts_of(values, graders["harm"].kind).low >= stop.broken_from:
            return dose
    return None


GRADING = ("harm", "coherence")
"""The roles of the judges that decide; a second judge only has to agree."""
