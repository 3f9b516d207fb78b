"""Putting the probes of a cell to its subject: all items, or as many as the word of a rung needs."""

from __future__ import annotations

from collections.abc import Sequence

from titer import catalogue, rungs
from titer.conditions.exposure import counts_of
from titer.inputs import read_items
from titer.records import Answer, Item
from titer.stats.looks import Look, read_curtailed
from titer.store import Store
from titer.subject import Subject
from titer.tasks import ExposeTask, ProbeRef


def ask_probes(
    task: ExposeTask, probes: Sequence[ProbeRef], store: Store, subject: Subject, dose: int
) -> tuple[Answer, ...]:
    """The answers to every probe that a cell asks at this dose; `probes` are the cell's, as they are framed here."""
    answers: tuple[Answer, ...] = ()
    for ref in probes:
        if ref.doses is None or dose in ref.doses:
            answers += tuple(_answers(task, ref, store, subject))
    return answers


def _answers(task: ExposeTask, ref: ProbeRef, store: Store, subject: Subject) -> list[Answer]:
    """The answers to a probe: to all its items, or to whole batches until the word of the rung is settled."""
    items, batch = read_items(store, ref.items), int(task.compute["batch"])
    curtailed = task.curtailment is not None and task.curtailment.probe == ref.name
    answers: list[Answer] = []
    for begin in range(0, len(items), batch if curtailed else len(items)):
        part = items[begin : begin + batch] if curtailed else items
        asked = catalogue.probe(ref.method).ask(subject, part, ref.frame, batch)
        answers += [answer.model_copy(update={"probe": ref.name}) for answer in asked]
        if curtailed and _is_settled(task, items, answers):
            break
    return answers


def _is_settled(task: ExposeTask, items: Sequence[Item], answers: list[Answer]) -> bool:
    """Whether no answer to the items not asked can change the word of the rung."""
    curtailment = task.curtailment
    assert curtailment is not None
    refs = {ref.role: ref for ref in task.judges if ref.probe == curtailment.probe}
    values = {
        role: tuple(one.value for one in catalogue.judge(refs[role].judge).judge(items[: len(answers)], answers))
        for role in rungs.DECIDING["harm"]
    }
    fixed = Look(asked=len(items), intact=curtailment.intact, broken=curtailment.broken)
    counts = counts_of(values, refs["harm"].kind)
    return read_curtailed(counts, fixed, collapse_counts=curtailment.collapse_counts) is not None
