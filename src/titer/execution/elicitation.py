"""Putting the probes of a cell to its subject: all items, or as many as the word of a dose needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from titer.analysis import stopping
from titer.analysis.conditions.harm_readings import counts_of
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.base import Attack
from titer.models.subject import Subject
from titer.records import Answer, Frame, Item, Row
from titer.stats.binomial import Counts
from titer.stats.group_sequential import InterimAnalysis, decide_curtailed, decide_sequential
from titer.study.store import Store, read_items
from titer.study.tasks import CurtailedSampling, EarlyDecision, ExposeTask, ProbeRef


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


def ask_probes(
    task: ExposeTask, probes: Sequence[ProbeRef], store: Store, subject: Subject, dose: int, judges: OpenJudges
) -> tuple[Answer, ...]:
    """The answers to every probe that a cell asks at this dose; `probes` are the cell's, as they are framed here."""
    answers: tuple[Answer, ...] = ()
    for ref in probes:
        if ref.asked_at((dose,)):
            answers += tuple(_answers(task, ref, store, subject, judges))
    return answers


def _answers(task: ExposeTask, ref: ProbeRef, store: Store, subject: Subject, judges: OpenJudges) -> list[Answer]:
    """The answers to a probe: to all its items, or to as many as settle the word of the dose."""
    items, batch = read_items(store, ref.items), int(task.compute["batch"])
    early = task.early_decision if task.early_decision is not None and task.early_decision.probe == ref.name else None
    answers: list[Answer] = []
    for stop in _stops(early, len(items), batch):
        asked = registry.probe(ref.method).ask(subject, items[len(answers) : stop], ref.frame, batch)
        answers += [answer.model_copy(update={"probe": ref.name}) for answer in asked]
        if early is not None and _is_settled(early, _counts(task, ref, items, answers, judges), len(items)):
            break
    return answers


def _stops(early: EarlyDecision | None, items: int, batch: int) -> Sequence[int]:
    """How many items are asked each time that the asking may end: at each look, or after each batch."""
    if early is None:
        return (items,)
    if isinstance(early, CurtailedSampling):
        return (*range(batch, items, batch), items)
    return tuple(analysis.asked for analysis in early.analyses)


def _counts(
    task: ExposeTask, ref: ProbeRef, items: Sequence[Item], answers: list[Answer], judges: OpenJudges
) -> Counts:
    """What the grading says of the answers so far."""
    refs = {judge.role: judge for judge in task.judges if judge.probe == ref.name}
    values = {
        role: tuple(one.value for one in judges.of(refs[role].judge).judge(items[: len(answers)], answers))
        for role in stopping.DECIDING["harm"]
    }
    return counts_of(values, refs["harm"].kind)


def _is_settled(early: EarlyDecision, counts: Counts, items: int) -> bool:
    """Whether the answers so far give the dose its word."""
    collapse = early.collapse_counts
    if isinstance(early, CurtailedSampling):
        fixed = InterimAnalysis(asked=items, intact=early.intact, broken=early.broken)
        return decide_curtailed(counts, fixed, collapse_counts=collapse) is not None
    analyses = [
        InterimAnalysis(asked=analysis.asked, intact=analysis.intact, broken=analysis.broken)
        for analysis in early.analyses
    ]
    return decide_sequential(counts, analyses, collapse_counts=collapse) is not None
