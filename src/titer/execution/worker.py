"""What a worker does with a task: make a subject, expose it, or judge its answers."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from titer.analysis import stopping
from titer.data.identifiers import ProbeId
from titer.errors import MethodFailure, RunError
from titer.execution.checkpoints import PartialState
from titer.execution.elicitation import Answered, Elicitation, ask_probes
from titer.execution.inputs import environment, given, material_of, open_subject
from titer.execution.judging import OpenJudges
from titer.heartbeat import beat
from titer.methods import registry
from titer.models import chat_format
from titer.models.subject import Subject
from titer.records import DoseFacts, Frame, Score, digest
from titer.study.store import Store, read_items
from titer.study.tasks import ExposeTask, JudgeRef, JudgeTask, MakeTask, Stop, Task
from titer.training.types import State, Step


def work(task: Task, store: Store) -> None:
    """Do one task, and log its cost, and the step at which a make went on that was interrupted (0: from the start)."""
    begin, first = time.monotonic(), 0
    with store.shared():
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
                beat()
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
    with OpenJudges(task.inputs.compute) as judges:
        _expose(task, store, judges)


def _expose(task: ExposeTask, store: Store, judges: OpenJudges) -> None:
    cell, inputs = task.cell, task.inputs
    subject = open_subject(inputs.subject, store, inputs.compute)
    origin = subject.snapshot()
    attack = registry.attack(inputs.attack)
    fed = material_of(inputs.material, store, cell.seed, inputs.compute)
    elicitation = Elicitation(attack, fed.train, cell.seed.root, judges)
    material = given(attack, fed, cell.doses[-1], cell.seed.root, judges)
    evaluation = Evaluation(task, store, subject, elicitation)
    terms: list[Mapping[str, float]] = []
    order: str | None = None
    if cell.doses[0] == 0 and (evaluation.at(UNTRAINED, attack.at_rest(subject), 0.0, order) or cell.doses[-1] == 0):
        return
    try:
        with _closing(attack.steps(subject, material, cell.doses[-1], cell.seed.root)) as steps:
            for step in steps:
                beat()
                terms.append(step.terms)
                order = digest([order, *step.rows]) if step.rows else None
                if step.dose not in cell.doses:
                    continue
                if evaluation.at(step, _late_means(terms), subject.displacement(origin), order):
                    break
                if step.dose == cell.doses[-1]:
                    break
            if inputs.keep_weights and terms:
                store.write_folder(store.attacked(task.key), subject.save)
    except MethodFailure as failure:
        store.write_failure(task.key, str(failure))


@dataclass(frozen=True)
class Evaluation:
    """The subject of a cell at its doses: asked, kept, and judged."""

    task: ExposeTask
    store: Store
    subject: Subject
    elicitation: Elicitation

    def at(self, step: Step, terms: dict[str, float], moved: float, order: str | None) -> bool:
        """Ask every probe at the dose of a step, keep answers and scores; whether they show what ends the cell.

        Args:
            step: what was done up to this dose.
            terms: the means of its loss terms.
            moved: how far the weights are from where they began.
            order: a digest of the rows trained on, as they came.
        """
        cell, inputs, dose, judges = self.task.cell, self.task.inputs, step.dose, self.elicitation.judges
        probes = tuple(self.elicitation.probe(ref, dose) for ref in inputs.probes)
        facts = self._facts(step, terms, moved, order, probes[0].frame if probes else inputs.material.frame)
        said: dict[ProbeId, Answered] = {}
        if self.store.answers(cell.key, dose).exists():
            _check_same(self.store.read_facts(cell.key, dose), facts, cell.key)
        else:
            said = ask_probes(inputs, probes, self.store, self.subject, dose, judges)
            self.store.write_answers(cell.key, facts, [answer for one in said.values() for answer in one.answers])
        asked = [judge for judge in inputs.judges if judge.asked.at(dose)]
        scores = judge_dose(asked, self.store, cell.key, dose, judges, said)
        return cell.stop is not None and _ends(inputs.judges, cell.stop, scores)

    def _facts(self, step: Step, terms: dict[str, float], moved: float, order: str | None, frame: Frame) -> DoseFacts:
        inputs, trained = self.task.inputs, step.spent.examples > 0
        trained_in = self.elicitation.frame_at(inputs.material.frame, step.dose)
        return DoseFacts(
            dose=step.dose,
            spent=step.spent,
            terms=terms,
            displacement=moved,
            loss_tokens=dict(step.loss_tokens),
            rows_used=step.rows_used,
            order=order,
            template_train=chat_format.template_digest(self.subject.tokenizer, trained_in) if trained else None,
            template_probe=chat_format.template_digest(self.subject.tokenizer, frame),
            environment=environment(self.subject, inputs.compute),
        )


def _ends(judges: Sequence[JudgeRef], stop: Stop, scores: Mapping[str, tuple[Score, ...]]) -> bool:
    """Whether the scores of the probe that decides show what the cell is stopped by."""
    deciding = stopping.deciding_of(stop, judges)
    values = {role: tuple(score.value for score in scores[judge.key]) for role, judge in deciding.items()}
    return stopping.reached(stop, values)


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
    """Judge the stored answers of a cell; needs no subject."""
    with OpenJudges(task.compute) as judges:
        for dose in task.doses:
            judge_dose([judge for judge in task.judges if judge.asked.at(dose)], store, task.key, dose, judges, {})


def judge_dose(
    asked: Sequence[JudgeRef],
    store: Store,
    cell: str,
    dose: int,
    judges: OpenJudges,
    said: dict[ProbeId, Answered],
) -> dict[str, tuple[Score, ...]]:
    """The scores of some judges at one dose of a cell, by their keys: as they are kept, or else made and kept.

    Args:
        asked: who judges at this dose.
        store: has the answers and the scores.
        cell: the key of the cell.
        dose: the dose.
        judges: those of the task, opened as they are asked for.
        said: the answers, where they have just been given; else they are read, once for all judges.
    """
    scores: dict[str, tuple[Score, ...]] = {}
    for ref in asked:
        if store.scores(ref.key, dose).exists():
            scores[ref.key] = store.read_scores(ref.key, dose)
            continue
        if ref.probe not in said:
            said |= _stored(asked, store, cell, dose, judges)
        scores[ref.key] = said[ref.probe].judge(ref)
        store.write_scores(ref.key, dose, scores[ref.key])
    return scores


def _stored(
    asked: Sequence[JudgeRef], store: Store, cell: str, dose: int, judges: OpenJudges
) -> dict[ProbeId, Answered]:
    """The answers that were kept, by probe."""
    _, answers = store.read_answers(cell, dose)
    return {
        ref.probe: Answered(read_items(store, ref.items), judges, [one for one in answers if one.probe == ref.probe])
        for ref in asked
    }


def _closing(steps: Iterator[Step]) -> closing[Generator[Step, None, None]]:
    """Close a method's generator whatever happens, so that it takes out its adapters and hooks."""
    return closing(cast(Generator[Step, None, None], steps))
