"""What a worker does with a task: make a subject, expose it, or judge its answers."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import cast

from titer.analysis import stopping
from titer.errors import MethodFailure, RunError
from titer.execution.checkpoints import PartialState
from titer.execution.elicitation import Elicitation, ask_probes
from titer.execution.inputs import environment, given, material_of, open_subject
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.models import chat_format
from titer.models.subject import Subject
from titer.records import DoseFacts, Frame, Score, digest
from titer.study.store import Store, read_items
from titer.study.tasks import ExposeTask, JudgeRef, JudgeTask, MakeTask, Stop, Task
from titer.training.types import State, Step


def work(task: Task, store: Store) -> None:
    """Do one task, and log its cost, and the step at which a make went on that was interrupted (0: from the start)."""
    begin = time.monotonic()
    first = 0
    if isinstance(task, MakeTask):
        first = make(task, store)
    elif isinstance(task, ExposeTask):
        expose(task, store)
    else:
        judge(task, store)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    store.log_run(
        {
            "task": task.kind,
            "key": task.key,
            "resumed_at": first,
            "wall_seconds": round(time.monotonic() - begin, 3),
            "peak_bytes": peak,
            "host": socket.gethostname(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


# ---------------------------------------------------------------------------------------------------- make
def make(task: MakeTask, store: Store) -> int:
    """Make a subject: run a defense on its parent, from the last partial state if one was left.

    Returns:
        The step of that state, 0 where there was none.
    """
    subject = open_subject(task.parent, store, task.compute)
    if task.defense is None:
        store.write_folder(store.subject(task.key), subject.save)
        return 0
    partial = PartialState(store.partial(task.key))
    material = material_of(task.material, store, task.seed, task.compute)
    defense = registry.defense(task.defense)
    carry: State | None = partial.read()
    try:
        with _closing(defense.steps(subject, material, task.seed.root, carry)) as steps:
            for step in steps:
                partial.write_if_due(step)
            store.write_folder(store.subject(task.key), subject.save)
    except MethodFailure as failure:
        store.write_failure(task.key, str(failure))
    partial.drop()
    return 0 if carry is None else carry.step


# ---------------------------------------------------------------------------------------------------- expose
def _late_means(terms: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each term over the later half of the steps: the same at a dose, whatever the ladder before it."""
    late = terms[len(terms) // 2 :]
    named = {name: [one[name] for one in late if name in one] for name in late[-1]}
    return {name: sum(values) / len(values) for name, values in named.items()}


UNTRAINED = Step(dose=0)


def expose(task: ExposeTask, store: Store) -> None:
    """Expose a subject to an attack, and ask and judge it at each dose until the study's grading shows a break."""
    with OpenJudges(task.compute) as judges:
        _expose(task, store, judges)


def _expose(task: ExposeTask, store: Store, judges: OpenJudges) -> None:
    subject = open_subject(task.subject, store, task.compute)
    origin = subject.snapshot()
    attack = registry.attack(task.attack)
    fed = material_of(task.material, store, task.seed, task.compute)
    elicitation = Elicitation(attack, fed.train, task.seed.root, judges)
    material = given(attack, fed, task.doses[-1], task.seed.root, judges)
    terms: list[Mapping[str, float]] = []
    order: str | None = None
    if task.doses[0] == 0 and _point(task, store, subject, UNTRAINED, {}, 0.0, order, elicitation):
        return
    if task.doses[-1] == 0:
        return
    try:
        with _closing(attack.steps(subject, material, task.doses[-1], task.seed.root)) as steps:
            for step in steps:
                terms.append(step.terms)
                order = digest([order, *step.rows]) if step.rows else None
                if step.dose not in task.doses:
                    continue
                moved = subject.displacement(origin)
                if _point(task, store, subject, step, _late_means(terms), moved, order, elicitation):
                    break
                if step.dose == task.doses[-1]:
                    break
            if task.keep_weights and terms:
                store.write_folder(store.attacked(task.key), subject.save)
    except MethodFailure as failure:
        store.write_failure(task.key, str(failure))


def _point(
    task: ExposeTask,
    store: Store,
    subject: Subject,
    step: Step,
    terms: dict[str, float],
    moved: float,
    order: str | None,
    elicitation: Elicitation,
) -> bool:
    """Ask every probe at this dose, keep answers and readings; whether the study's grading shows a break."""
    trained = step.spent.examples > 0
    probes = tuple(elicitation.probe(ref, step.dose) for ref in task.probes)
    facts = DoseFacts(
        dose=step.dose,
        spent=step.spent,
        terms=terms,
        displacement=moved,
        loss_tokens=dict(step.loss_tokens),
        rows_used=step.rows_used,
        order=order,
        template_train=_template(subject, elicitation.frame_at(task.material.frame, step.dose)) if trained else None,
        template_probe=_template(subject, probes[0].frame),
        environment=environment(subject, task.compute),
    )
    if store.answers(task.key, step.dose).exists():
        _check_same(store.read_facts(task.key, step.dose), facts, task.key)
    else:
        store.write_answers(task.key, facts, ask_probes(task, probes, store, subject, step.dose, elicitation.judges))
    asked = [ref for ref in task.judges if _is_asked(ref, step.dose)]
    scores = {ref.key: _judge_dose(ref, store, step.dose, elicitation.judges) for ref in asked}
    return task.stop is not None and _ends(task, task.stop, scores)


def _template(subject: Subject, frame: Frame) -> str:
    return chat_format.template_digest(subject.tokenizer, frame)


def _ends(task: ExposeTask, stop: Stop, scores: dict[str, tuple[Score, ...]]) -> bool:
    """Whether the readings of the probe that decides show what the cell is stopped by."""
    refs = {ref.role: ref for ref in task.judges if ref.probe == stop.probe}
    values = {role: tuple(score.value for score in scores[ref.key]) for role, ref in refs.items()}
    return stopping.reached(stop, values, refs[stop.shows].kind)


def _check_same(kept: DoseFacts, again: DoseFacts, cell: str) -> None:
    """In one environment a restarted cell must pass through the doses that are there already.

    The order of the rows is compared where it was kept.
    """
    known = again if kept.order is not None else again.model_copy(update={"order": None})
    if kept.environment == again.environment and kept != known:
        raise RunError(
            f"cell {cell} did not repeat itself at dose {kept.dose} in the same environment: "
            "its attack is not deterministic. Delete the cell's folder, or correct the method"
        )


# ---------------------------------------------------------------------------------------------------- judge
def judge(task: JudgeTask, store: Store) -> None:
    """Judge the stored answers of one probe of a cell; needs no subject."""
    with OpenJudges(task.compute) as judges:
        for dose in task.doses:
            _judge_dose(task.judge, store, dose, judges)


def _is_asked(ref: JudgeRef, dose: int) -> bool:
    return ref.doses is None or dose in ref.doses


def _judge_dose(ref: JudgeRef, store: Store, dose: int, judges: OpenJudges) -> tuple[Score, ...]:
    if not store.scores(ref.key, dose).exists():
        _, answers = store.read_answers(ref.cell, dose)
        asked = tuple(answer for answer in answers if answer.probe == ref.probe)
        scores = judges.of(ref.judge).judge(read_items(store, ref.items)[: len(asked)], asked)
        store.write_scores(ref.key, dose, scores)
    return store.read_scores(ref.key, dose)


def _closing(steps: Iterator[Step]) -> closing[Generator[Step, None, None]]:
    """Close a method's generator whatever happens, so that it takes out its adapters and hooks."""
    return closing(cast(Generator[Step, None, None], steps))
