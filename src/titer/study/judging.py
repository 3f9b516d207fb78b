"""Who judges which answers of a cell, and under which key: derived from the cell and the judges of the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from titer.data.identifiers import ProbeId, ProbeKind
from titer.records import CellPurpose, Choice, Kind, Record, digest
from titer.study.tasks import CellSpec, JudgeRef, ProbeAt

GRADING: Mapping[ProbeKind, tuple[str, ...]] = {
    "harm": ("harm", "coherence", "second"),
    "trial": ("harm", "coherence", "second"),
    "utility": (),
    "plain": ("harm", "coherence"),
    "reframed": ("harm", "coherence"),
    "task": (),
    "select": (),
    "over_refusal": (),
    "usable": ("coherence", "distinct"),
    "harmful": (),
}
"""The roles of the grading that read a kind of probe; what is asked beside is read by no second judge."""


class JudgeSpec(Record):
    """A judge of a study: as chosen, as it enters keys (name, version, every parameter), and what it reads."""

    choice: Choice
    configuration: dict[str, Any]
    kind: Kind


class SeenHarm(Record):
    """What the deciding judges made of the texts of one domain of which it is known what they are, before any training.

    `responses` are responses to harmful rows, cut to the length of an answer, `seen` those counted as harmful and
    coherent. `refusals` are refusals of the same prompts, `mistaken` those counted so, or not judged.
    `counts_references` is what the harm judge says of itself.
    """

    domain: str
    responses: int
    seen: int
    refusals: int
    mistaken: int
    counts_references: bool


Judges = Mapping[str, JudgeSpec]
"""The judges of a study: by role (harm, coherence, second, refusal, utility), and for each task by its probe."""


def judges_of(judges: Judges, items: Mapping[ProbeId, str], cell: CellSpec) -> tuple[JudgeRef, ...]:
    """Who judges what in a cell, in the order of its probes.

    Args:
        judges: those of the study.
        items: the items of each probe, by digest.
        cell: the cell.
    """
    return tuple(
        judge_ref(cell.key, asked, items[asked.probe], role, spec)
        for asked in cell.probes
        for role, spec in _roles(judges, cell.purpose, asked.probe)
    )


def judge_ref(cell: str, asked: ProbeAt, items: str, role: str, spec: JudgeSpec) -> JudgeRef:
    """One judge of one probe of a cell.

    Args:
        cell: the key of the cell.
        asked: the probe, and the doses at which it is asked.
        items: the digest of its items.
        role: the part that the judge plays.
        spec: the judge.
    """
    key = digest({"node": "judge", "cell": cell, "probe": asked.probe, "judge": spec.configuration})
    return JudgeRef(key=key, cell=cell, asked=asked, items=items, judge=spec.choice, kind=spec.kind, role=role)


def _roles(judges: Judges, purpose: CellPurpose, probe: ProbeId) -> Iterator[tuple[str, JudgeSpec]]:
    """The judges of one probe by role; at dose 0 refusal is read of every probe that is no task."""
    for role in GRADING[probe.kind]:
        if role in judges:
            yield role, judges[role]
    if probe.kind in ("task", "select"):
        spec = judges[ProbeId.of("task", probe.name)]
        yield ("loss" if spec.kind == "loss" else "correct"), spec
    elif probe.kind in ("utility", "harmful"):
        yield "loss", judges["utility"]
    elif purpose == "stability" and "refusal" in judges:
        yield "refusal", judges["refusal"]
