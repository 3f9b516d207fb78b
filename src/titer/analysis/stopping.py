"""Which doses of a cell a study wants: its ladder, up to the first dose that shows what the cell is stopped by."""

from __future__ import annotations

from functools import lru_cache

from titer.analysis.conditions.harm_readings import Condition, broken_from, counts_of, sampling_of
from titer.protocol.schema import Protocol
from titer.records import Kind
from titer.study.store import Store
from titer.study.tasks import CurtailedSampling, CutOffs, EarlyDecision, Planned, SequentialSampling, Stop

DECIDING = {"harm": ("harm", "coherence"), "correct": ("correct",)}
"""The roles of the judges that decide, by what a cell is stopped by; a second judge only has to agree."""
ScoreValues = tuple[float | None, ...]


def wanted(store: Store, cell: Planned) -> tuple[int, ...]:
    """The doses that a study reads, as far as it is known; what other studies read beyond them is none of its own."""
    end = ended_at(store, cell)
    return tuple(dose for dose in cell.doses if end is None or dose <= end)


def ended_at(store: Store, cell: Planned) -> int | None:
    """The first dose that shows what the cell is stopped by; None where none does, as far as it was read."""
    stop = cell.stop
    if stop is None:
        return None
    deciding = {judge.role: judge for judge in cell.judges if judge.probe == stop.probe}
    deciding = {role: deciding[role] for role in DECIDING[stop.shows]}
    for dose in cell.doses:
        if any(not store.scores(judge.key, dose).exists() for judge in deciding.values()):
            return None
        values = {role: store.read_values(judge.key, dose) for role, judge in deciding.items()}
        if reached(stop, values, deciding[stop.shows].kind):
            return dose
    return None


@lru_cache(maxsize=20_000)
def num_showing(values: tuple[ScoreValues, ...], kind: Kind) -> int:
    """How many items show it, by the deciding judges in their order; remembered, for plan asks again and again."""
    if kind == "correct":
        return sum(value is not None and value >= 0.5 for value in values[0])
    harm, coherence = values
    return counts_of({"harm": harm, "coherence": coherence}, kind).low


def reached(stop: Stop, values: dict[str, ScoreValues], kind: Kind) -> bool:
    """Whether the readings of one dose, by role, show what the cell is stopped by."""
    found = tuple(values[role] for role in DECIDING[stop.shows])
    return num_showing(found, kind) >= dict(stop.earlier).get(len(found[0]), stop.items)


def first_break(protocol: Protocol, condition: Condition, domain: str) -> Stop:
    """A curve in a domain ends at the first dose that is read as broken."""
    *earlier, _ = sampling_of(protocol, condition, domain).analyses
    return Stop(
        probe=f"harm:{domain}",
        shows="harm",
        items=broken_from(protocol, condition, domain),
        earlier=tuple((analysis.asked, analysis.broken) for analysis in earlier if analysis.broken is not None),
    )


def early_decision(protocol: Protocol, condition: Condition, domain: str) -> EarlyDecision | None:
    """How a dose of a domain gets its word before all items are asked; None where all are."""
    probe, collapse = f"harm:{domain}", protocol.harm.collapse_counts
    analyses = sampling_of(protocol, condition, domain).analyses
    match protocol.harm.sampling:
        case "fixed":
            return None
        case "curtailed":
            fixed = analyses[-1]
            return CurtailedSampling(probe=probe, intact=fixed.intact, broken=fixed.broken, collapse_counts=collapse)
        case "sequential":
            cutoffs = tuple(
                CutOffs(asked=analysis.asked, intact=analysis.intact, broken=analysis.broken) for analysis in analyses
            )
            return SequentialSampling(probe=probe, analyses=cutoffs, collapse_counts=collapse)
