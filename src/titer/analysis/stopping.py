"""What ends the asking of a dose, and a curve: the first dose that shows what it is stopped by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from titer.analysis.harm_counts import counts_of, num_showing
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import asking_of, broken_from, sampling_of
from titer.protocol.schema import Protocol
from titer.stats.sequential_decisions import decide_asked
from titer.study.folder import Study
from titer.study.packing import ReadCell
from titer.study.tasks import (
    CellSpec,
    CurtailedSampling,
    CutOffs,
    EarlyDecision,
    JudgeRef,
    SequentialSampling,
    Stop,
)
from titer.study.view import StoreView, Values

DECIDING = {"harm": ("harm", "coherence"), "correct": ("correct",)}
"""The roles of the judges that decide, by what a cell is stopped by; a second judge only has to agree."""


def ended_at(view: StoreView, cell: CellSpec, judges: Sequence[JudgeRef]) -> int | None:
    """The first dose that shows what the cell is stopped by; None where none does, as far as it was read.

    Args:
        view: the store.
        cell: the cell.
        judges: who judges it.
    """
    if cell.stop is None:
        return None
    return next((dose for dose in cell.doses if shows(view, cell.stop, judges, dose)), None)


def broken_at(view: StoreView, protocol: Protocol, cell: CellSpec, judges: Sequence[JudgeRef]) -> int | None:
    """The first dose of an attack's cell that the verdict calls broken; None where none is, as far as it was read.

    A curve may go on beyond it, to a dose that is broken at the smaller levels of ratios and of power.

    Args:
        view: the store.
        protocol: the protocol.
        cell: the cell, whose stop names the probe.
        judges: who judges it.
    """
    if cell.stop is None:
        return None
    deciding, plan = deciding_of(cell.stop, judges), sampling_of(protocol, cell.stop.probe.name)
    for dose in cell.doses:
        if any(dose not in view.scored(judge.key) for judge in deciding.values()):
            return None
        values = {role: view.values(judge.key, dose) for role, judge in deciding.items()}
        counts = counts_of(values)
        if decide_asked(counts, plan.analyses, collapse_counts=protocol.harm.collapse_counts)[1] == "broken":
            return dose
    return None


def wanted(view: StoreView, cell: CellSpec, judges: Sequence[JudgeRef]) -> tuple[int, ...]:
    """The doses that a study reads, as far as it is known; what other studies read beyond them is none of its own.

    Args:
        view: the store.
        cell: the cell.
        judges: who judges it.
    """
    end = ended_at(view, cell, judges)
    return tuple(dose for dose in cell.doses if end is None or dose <= end)


def read_cells(study: Study, view: StoreView) -> Iterator[ReadCell]:
    """The cells of a finished study with the doses that it reads of each, and who judges them.

    Args:
        study: the study.
        view: of its store.
    """
    for cell in study.read_cells():
        judges = study.frozen.judges_of(cell)
        yield cell, wanted(view, cell, judges), judges


def shows(view: StoreView, stop: Stop, judges: Sequence[JudgeRef], dose: int) -> bool:
    """Whether the scores at a dose show what a cell is stopped by; where one is missing they show nothing."""
    deciding = deciding_of(stop, judges)
    if any(dose not in view.scored(judge.key) for judge in deciding.values()):
        return False
    values = {role: view.values(judge.key, dose) for role, judge in deciding.items()}
    return reached(stop, values)


def deciding_of(stop: Stop, judges: Sequence[JudgeRef]) -> dict[str, JudgeRef]:
    """The judges that decide whether a cell is stopped, by role."""
    by_role = {judge.role: judge for judge in judges if judge.probe == stop.probe}
    return {role: by_role[role] for role in DECIDING[stop.shows]}


def reached(stop: Stop, values: Mapping[str, Values]) -> bool:
    """Whether the scores of one dose, by role, show what the cell is stopped by."""
    found = {role: values[role] for role in DECIDING[stop.shows]}
    return num_showing(found) >= dict(stop.earlier).get(len(found[stop.shows]), stop.items)


def first_break(protocol: Protocol, probe: ProbeId) -> Stop:
    """A curve in a domain ends at the first dose that is decided as broken, whatever it is decided for."""
    *earlier, _ = asking_of(protocol, probe.name).analyses
    return Stop(
        probe=probe,
        shows="harm",
        items=broken_from(protocol, probe.name),
        earlier=tuple((analysis.asked, analysis.broken) for analysis in earlier if analysis.broken is not None),
    )


def early_decision(protocol: Protocol, probe: ProbeId) -> EarlyDecision | None:
    """How a dose of a domain is decided before all items are asked; None where all are."""
    collapse = protocol.harm.collapse_counts
    analyses = asking_of(protocol, probe.name).analyses
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
