"""What a study costs before it runs: tokens, operations, seconds, memory and disk, from its work and a few rates.

The rates are set to reproduce runs on two cores of an x86 server; `plan --calibrate` measures yours.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from titer import catalogue, rungs
from titer.cells import Cell, CellBuilder, Track
from titer.interfaces import Attack, Defense
from titer.plan import Plan, Task, all_tracks
from titer.recipe import LoRA, Training
from titer.records import Choice
from titer.store import Store
from titer.study import Frozen, Study
from titer.tasks import ExposeTask, JudgeTask, MakeTask, MaterialRef, ProbeRef

Work = MakeTask | ExposeTask
BYTES_PER_ANSWER = 350
"""An answer with its readings, on disk."""


@dataclass(frozen=True)
class Rates:
    """How fast and how large work is on a machine.

    Attributes:
        flops: floating-point operations a second of one thread, in training and in reading prompts.
        bandwidth: bytes of weights read a second in decoding.
        step_seconds: fixed cost of a training step.
        token_seconds: fixed cost of a decoding step.
        start_seconds: fixed cost of opening a subject.
        begin_seconds: fixed cost of a run: workers are started with their libraries, the report is written.
        base_bytes: a worker with its libraries imported.
        activation_bytes: bytes that training keeps per token, for a model of 135 M weights.
    """

    flops: float = 9e10
    bandwidth: float = 8e9
    step_seconds: float = 0.006
    token_seconds: float = 0.004
    start_seconds: float = 0.4
    begin_seconds: float = 5.0
    base_bytes: float = 4e8
    activation_bytes: float = 1.5e6


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What work takes: tokens that go through the subject, floating-point operations, seconds of one worker.

    Operations are 6 per weight and token trained on, 4 with an adapter, and 2 per weight and token asked.
    """

    tokens: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0

    def plus(self, other: Effort, times: int = 1) -> Effort:
        """This, and the other so many times."""
        return Effort(
            tokens=self.tokens + times * other.tokens,
            flops=self.flops + times * other.flops,
            seconds=self.seconds + times * other.seconds,
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is still to be done: cells, tokens, operations, wall seconds, peak bytes of all workers, bytes of disk."""

    cells: int = 0
    tokens: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0
    memory_bytes: float = 0.0
    disk_bytes: float = 0.0


class Costs:
    """The cost of single tasks of one study."""

    def __init__(self, study: Study, rates: Rates = Rates()) -> None:  # noqa: B008
        self.frozen: Frozen = study.frozen
        self.rates = rates
        self.weights = float(study.frozen.parameters or 1e9)
        self.power = rates.flops * study.frozen.threads
        self.of_rows = {digest: self.frozen.tokens[name] for name, digest in self.frozen.rows.items()}
        self.budgets = {dosing.attack: dosing.budget for dosing in study.protocol.attacker.dosings}

    def make(self, task: MakeTask) -> Effort:
        """A make."""
        start = Effort(seconds=self.rates.start_seconds + 12 * self.weights / 1e9)
        defense = _method(task)
        if task.defense is None or not isinstance(defense, Training):
            return start
        steps = int(defense.to_data().get("train_steps", 1))
        passes = 2 if task.defense.name == "adversarial_loss" else 1
        return start.plus(self.step(defense, task.material), steps * passes)

    def expose(self, task: ExposeTask, until: int) -> Effort:
        """An exposure that is read up to a dose."""
        attack = _method(task)
        effort = Effort(seconds=self.rates.start_seconds + 4 * self.weights / 1e9)
        doses = [dose for dose in task.doses if dose <= until] or list(task.doses[:1])
        if isinstance(attack, Training):
            steps = int(attack.to_data().get("train_steps", max(doses)))
            effort = effort.plus(self.step(attack, task.material), steps)
        for probe in task.probes:
            asked = [dose for dose in doses if probe.doses is None or dose in probe.doses]
            effort = effort.plus(self.ask(probe), len(asked))
        return effort

    def step(self, training: Training, material: MaterialRef) -> Effort:
        """One optimizer step."""
        tokens = training.rows_per_step * max(self._tokens(material), 1.0)
        flops = (4 if isinstance(training.trainable, LoRA) else 6) * self.weights * tokens
        return Effort(tokens=tokens, flops=flops, seconds=self.rates.step_seconds + flops / self.power)

    def ask(self, probe: ProbeRef) -> Effort:
        """A probe asked once."""
        items = len(self.frozen.item_ids[probe.name])
        prompt = self.frozen.tokens[probe.name]
        if probe.method == Choice(name="choice"):
            tokens, fixed = items * max(self.frozen.options[probe.name], 1) * prompt * 1.3, 0.02
        else:
            length = float(probe.frame.max_new_tokens)
            tokens = items * (prompt + length)
            rounds = -(-items // int(self.frozen.compute["batch"])) * length
            fixed = rounds * (self.rates.token_seconds + 4 * self.weights / self.rates.bandwidth)
        flops = 2 * self.weights * tokens
        return Effort(tokens=tokens, flops=flops, seconds=flops / self.power + fixed)

    def memory(self, tasks: Iterable[Work]) -> float:
        """Peak bytes of one worker: weights, a copy, gradients, the optimizer's two moments, activations."""
        heaviest = 8.0 * self.weights
        for task in tasks:
            method = _method(task)
            if isinstance(method, Training):
                full = not isinstance(method.trainable, LoRA)
                tokens = method.batch * self._tokens(task.material)
                kept = tokens * self.rates.activation_bytes * (self.weights / 135e6) ** 0.7
                heaviest = max(heaviest, (20.0 if full else 8.0) * self.weights + kept)
        return self.rates.base_bytes + heaviest

    def _tokens(self, material: MaterialRef) -> float:
        """Mean tokens of the rows a method is fed."""
        lengths = [self.of_rows[ref.digest] for ref in (*material.train, *material.harmful, *material.benign)]
        return sum(lengths) / len(lengths) if lengths else 0.0


class Outlook:
    """What a study still has to do, task by task, and how long that takes.

    M is taken to break at the budget and M* never to, which is what a study hopes for; the sham follows M. It is
    built once and then kept up to date by `update`, which looks at no file.

    Args:
        study: the study.
        jobs: the workers that share the work.
        tracks: the traces that are wanted; None for those of the whole study.
        makes: subjects that are wanted besides those of the traces.
        rates: how fast the machine is.
    """

    def __init__(
        self,
        study: Study,
        jobs: int,
        tracks: Sequence[Track] | None = None,
        makes: Sequence[MakeTask] = (),
        rates: Rates = Rates(),  # noqa: B008
    ) -> None:
        self.costs = Costs(study, rates)
        self.jobs = jobs
        self.done_seconds = 0.0
        self.begin_seconds = rates.begin_seconds
        self.tasks: dict[str, Work] = {}
        cells = [cell for track in (_expected(study) if tracks is None else tracks) for cell in track.cells]
        self.undefended = {cell.planned.made_from for cell in cells if cell.planned.subject == "M"}
        unread = [cell for cell in cells if _is_unread(study.store, cell)]
        wanted = [*makes, *(make for cell in unread for make in cell.lineage.makes)]
        self.tasks |= {make.key: make for make in wanted if not study.store.subject(make.key).exists()}
        self.tasks |= {cell.task.key: cell.task for cell in unread}
        self.seconds = {key: self.effort(task).seconds for key, task in self.tasks.items()}

    def update(self, plan: Plan, finished: Task | None) -> None:
        """Take off what was finished, and add what was not foreseen: a sham's doses, a seed that replaces another."""
        if finished is not None and finished.key in self.tasks:
            del self.tasks[finished.key]
            self.done_seconds += self.seconds.pop(finished.key) / self.jobs + self.begin_seconds
            self.begin_seconds = 0.0
        for task in plan.tasks:
            if not isinstance(task, JudgeTask):
                self.tasks[task.key] = task
                self.seconds[task.key] = self.effort(task).seconds
        if not plan.unfinished:
            self.tasks.clear()

    @property
    def left_seconds(self) -> float:
        """Wall seconds when each worker takes the next task as it becomes free; a subject is made before it is used."""
        free = [0.0] * self.jobs
        made: dict[str, float] = {}
        waiting = sorted(self.tasks.values(), key=lambda task: (task.kind == "expose", _parent(task) in self.tasks))
        for task in waiting:
            end = max(heapq.heappop(free), made.get(_parent(task), 0.0)) + self.seconds[task.key]
            heapq.heappush(free, end)
            made[task.key] = end
        return max(free) + self.begin_seconds

    def effort(self, task: Work) -> Effort:
        """What a task takes."""
        if isinstance(task, MakeTask):
            return self.costs.make(task)
        breaks = task.stop is not None and task.stop.shows == "harm" and task.subject.key in self.undefended
        return self.costs.expose(task, self.costs.budgets[task.attack.label] if breaks else task.doses[-1])


def estimate(study: Study, jobs: int, rates: Rates = Rates()) -> Estimate:  # noqa: B008
    """The cost of what is missing with `jobs` workers."""
    outlook = Outlook(study, jobs, rates=rates)
    costs, tasks = outlook.costs, outlook.tasks.values()
    if not tasks:
        return Estimate()
    exposes = [task for task in tasks if isinstance(task, ExposeTask)]
    answers = sum(
        len(study.frozen.item_ids[p.name]) * len(p.doses or task.doses) for task in exposes for p in task.probes
    )
    effort = reduce(Effort.plus, map(outlook.effort, tasks))
    return Estimate(
        cells=len(exposes),
        tokens=effort.tokens,
        flops=effort.flops,
        seconds=outlook.left_seconds,
        memory_bytes=costs.memory(tasks) * jobs + 2 * rates.base_bytes,
        disk_bytes=(len(tasks) - len(exposes)) * 4 * costs.weights + answers * BYTES_PER_ANSWER,
    )


def _method(task: Work) -> Attack | Defense | None:
    """The attack or defense of a task; None for a make that only loads."""
    if isinstance(task, ExposeTask):
        return catalogue.attack(task.attack)
    return catalogue.defense(task.defense) if task.defense else None


def _parent(task: Work) -> str:
    """The key of the subject that a task begins with."""
    return task.parent.key if isinstance(task, MakeTask) else task.subject.key


def _expected(study: Study) -> list[Track]:
    """Every trace of the study, the shams that follow once M's doses are known among them."""
    tracks, _ = all_tracks(study)
    planned = any(cell.planned.purpose == "sham" for track in tracks for cell in track.cells)
    if planned or not study.protocol.attacker.sham or "benign/sham" not in study.frozen.rows:
        return tracks
    first = [track.cells[0].planned for track in tracks]
    attacked = dict.fromkeys(cell.index for cell in first if cell.purpose in ("resistance", "generalization"))
    budget = study.protocol.attacker.budget.steps
    return tracks + [track for index in attacked for track in CellBuilder(study, index).shams(budget)]


def _is_unread(store: Store, cell: Cell) -> bool:
    planned = cell.planned
    if store.failure(planned.key) is not None:
        return False
    return any(not store.answers(planned.key, dose).exists() for dose in rungs.wanted(store, planned))
