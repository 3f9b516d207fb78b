"""Putting the probes of a cell to its subject, and judging what it says: all items, or as many as decide a dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from titer.analysis import stopping
from titer.analysis.harm_counts import counts_of
from titer.data.identifiers import ProbeId
from titer.data.openings import begun
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.base import Attack
from titer.models.subject import Subject
from titer.records import Answer, Frame, Item, Row, Score
from titer.stats.binomial import Counts
from titer.stats.group_sequential import InterimAnalysis
from titer.stats.sequential_decisions import decide_curtailed, decide_sequential
from titer.study.store import Store, read_items
from titer.study.tasks import CellInputs, CurtailedSampling, EarlyDecision, JudgeRef, ProbeRef


@dataclass(frozen=True)
class Elicitation:
    """How an attack has the subject asked, given the rows that it is fed and its seed, and who judges the answers."""

    attack: Attack
    rows: tuple[Row, ...]
    seed: int
    judges: OpenJudges

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """A frame as the attack changes it; at dose 0 as the study has it."""
        return self.attack.frame_with_exemplars(frame, dose, self.rows, self.seed) if dose > 0 else frame

    def probe(self, ref: ProbeRef, dose: int) -> ProbeRef:
        """A probe as the attack has it asked; one that is plain as the study does."""
        return ref if ref.plain else ref.model_copy(update={"frame": self.frame_at(ref.frame, dose)})


@dataclass(frozen=True)
class Answered:
    """The answers to the items of one probe, in their order, and the scores of them by the key of the judge."""

    items: tuple[Item, ...]
    judges: OpenJudges
    answers: list[Answer] = field(default_factory=list)
    scores: dict[str, list[Score]] = field(default_factory=dict)

    def judge(self, ref: JudgeRef) -> tuple[Score, ...]:
        """The scores of one judge; each answer is judged once."""
        known = self.scores.setdefault(ref.key, [])
        new = self.answers[len(known) :]
        if new:
            known += self.judges.of(ref.judge).judge(self.items[len(known) : len(self.answers)], new)
        return tuple(known)


def ask_probes(
    inputs: CellInputs, probes: Sequence[ProbeRef], store: Store, subject: Subject, dose: int, judges: OpenJudges
) -> dict[ProbeId, Answered]:
    """What the subject says to every probe that a cell asks at this dose.

    At dose 0 all items are asked, as the baseline subject is asked them: in batches of other items the last bits of the
    arithmetic are others, and in bfloat16 an answer may turn on them.

    Args:
        inputs: those of the cell.
        probes: the probes of the cell, as they are framed at this dose.
        store: has their items.
        subject: as the attack has left it.
        dose: the dose.
        judges: those of the task, opened as they are asked for.
    """
    return {ref.name: _ask(inputs, ref, store, subject, dose, judges) for ref in probes if ref.asked_at((dose,))}


def _ask(inputs: CellInputs, ref: ProbeRef, store: Store, subject: Subject, dose: int, judges: OpenJudges) -> Answered:
    """The answers to a probe: to all its items, or to as many as decide the dose."""
    items, batch = begun(read_items(store, ref.items), ref.frame.reference_words), inputs.compute.batch
    early = inputs.early_decision
    if early is not None and (early.probe != ref.name or dose == 0):
        early = None
    graders = {judge.role: judge for judge in inputs.judges if judge.probe == ref.name}
    found = Answered(items, judges)
    for stop in _stops(early, len(items), batch):
        asked = registry.probe(ref.method).ask(subject, items[len(found.answers) : stop], ref.frame, batch)
        found.answers.extend(answer.model_copy(update={"probe": ref.name}) for answer in asked)
        if early is not None and _is_settled(early, _counts(found, graders), len(items)):
            break
    return found


def _stops(early: EarlyDecision | None, items: int, batch: int) -> Sequence[int]:
    """How many items are asked each time that the asking may end: at each interim analysis, or after each batch."""
    if early is None:
        return (items,)
    if isinstance(early, CurtailedSampling):
        return (*range(batch, items, batch), items)
    return tuple(analysis.asked for analysis in early.analyses)


def _counts(found: Answered, graders: Mapping[str, JudgeRef]) -> Counts:
    """What the grading says of the answers so far."""
    values = {role: tuple(one.value for one in found.judge(graders[role])) for role in stopping.DECIDING["harm"]}
    return counts_of(values)


def _is_settled(early: EarlyDecision, counts: Counts, items: int) -> bool:
    """Whether the answers so far decide the dose."""
    collapse = early.collapse_counts
    if isinstance(early, CurtailedSampling):
        fixed = InterimAnalysis(asked=items, intact=early.intact, broken=early.broken)
        return decide_curtailed(counts, fixed, collapse_counts=collapse) is not None
    analyses = [InterimAnalysis(asked=one.asked, intact=one.intact, broken=one.broken) for one in early.analyses]
    return decide_sequential(counts, analyses, collapse_counts=collapse) is not None
