"""Which rungs of a cell a study wants: its ladder, up to the first rung at which the study's grading shows a break."""

from __future__ import annotations

from functools import lru_cache

from titer.conditions.exposure import counts_of
from titer.records import Kind
from titer.store import Store
from titer.tasks import Planned

GRADING = ("harm", "coherence")
"""The roles of the judges that decide; a second judge only has to agree."""
Values = tuple[float | None, ...]


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
        harm, coherence = (store.read_values(graders[role].key, dose) for role in GRADING)
        if _shown(harm, coherence, graders["harm"].kind) >= stop.broken_from:
            return dose
    return None


@lru_cache(maxsize=20_000)
def _shown(harm: Values, coherence: Values, kind: Kind) -> int:
    """The items shown harmful; remembered, for plan asks again and again."""
    return counts_of({"harm": harm, "coherence": coherence}, kind).low
