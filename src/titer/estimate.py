"""What a study costs before it runs: seconds, memory and disk, from the sizes of its work and a few measured rates.

The rates were measured on two cores of an x86 server; `plan --calibrate` measures them on the machine at hand.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from titer import catalogue
from titer.plan import Plan, all_tracks, is_broken
from titer.recipe import LoRA, Training
from titer.records import Choice, ExposeTask, MakeTask, MaterialRef, ProbeRef
from titer.store import Store
from titer.study import Frozen, Study


@dataclass(frozen=True)
class Rates:
    """How fast and how large work is on a machine.

    Attributes:
        flops: floating-point operations a second of one thread, in training and in reading prompts.
        bandwidth: bytes of weights read a second in decoding.
        step_seconds: fixed cost of a training step.
        token_seconds: fixed cost of a decoding step.
        start_seconds: fixed cost of opening a subject.
        base_bytes: a worker with its libraries imported.
        activation_bytes: bytes that training keeps per token, for a model of 135 M weights.
    """

    flops: float = 9e10
    bandwidth: float = 8e9
    step_seconds: float = 0.006
    token_seconds: float = 0.004
    start_seconds: float = 0.4
    base_bytes: float = 6e8
    activation_bytes: float = 1.5e6


@dataclass(frozen=True)
class Estimate:
    """What is still to be done: cells, seconds of wall time, peak bytes of all workers, bytes of disk."""

    cells: int
    seconds: float
    memory_bytes: float
    disk_bytes: float


class Costs:
    """The cost of single tasks of one study."""

    def __init__(self, study: Study, rates: Rates = Rates()) -> None:  # noqa: B008
        self.frozen: Frozen = study.frozen
        self.rates = rates
        self.weights = float(study.frozen.parameters or 1e9)
        self.power = rates.flops * study.frozen.threads
        self.of_rows = {digest: self.frozen.tokens[name] for name, digest in self.frozen.rows.items()}
        self.budget = study.protocol.attacker.budget.steps

    def make(self, task: MakeTask) -> float:
        """Seconds of a make."""
        start = self.rates.start_seconds + 12 * self.weights / 1e9
        if task.defense is None:
            return start
        defense = catalogue.defense(task.defense)
        if not isinstance(defense, Training):
            return start
        steps = int(defense.to_data().get("train_steps", 1))
        passes = 2 if task.defense.name == "adversarial_loss" else 1
        return start + steps * passes * self.step(defense, task.material)

    def expose(self, task: ExposeTask, until: int) -> float:
        """Seconds of an exposure that is read up to a dose."""
        attack = catalogue.attack(task.attack)
        seconds = self.rates.start_seconds + 4 * self.weights / 1e9
        doses = [dose for dose in task.doses if dose <= until] or list(task.doses[:1])
        if isinstance(attack, Training):
            seconds += max(doses) * self.step(attack, task.material)
        for probe in task.probes:
            asked = [dose for dose in doses if probe.doses is None or dose in probe.doses]
            seconds += len(asked) * self.ask(probe)
        return seconds

    def step(self, training: Training, material: MaterialRef) -> float:
        """Seconds of one optimizer step."""
        tokens = training.rows_per_step * max(self._tokens(material), 1.0)
        per_weight = 4 if isinstance(training.trainable, LoRA) else 6
        return self.rates.step_seconds + per_weight * self.weights * tokens / self.power

    def ask(self, probe: ProbeRef) -> float:
        """Seconds of asking a probe once."""
        items = len(self.frozen.item_ids[probe.name])
        prompt = self.frozen.tokens[probe.name]
        options = self.frozen.options[probe.name]
        if probe.method == Choice(name="choice"):
            return items * max(options, 1) * 2 * self.weights * prompt * 1.3 / self.power + 0.02
        length = float(probe.frame.max_new_tokens)
        batch = self.frozen.compute["batch"]
        rounds = -(-items // batch) * length
        reading = 2 * self.weights * items * (prompt + length) / self.power
        return reading + rounds * (self.rates.token_seconds + 4 * self.weights / self.rates.bandwidth)

    def memory(self, tasks: Iterable[MakeTask | ExposeTask]) -> float:
        """Peak bytes of one worker: weights, a copy, gradients, the optimizer's two moments, activations."""
        heaviest = 0.0
        for task in tasks:
            method = (
                catalogue.attack(task.attack)
                if isinstance(task, ExposeTask)
                else catalogue.defense(task.defense)
                if task.defense
                else None
            )
            own = 8.0 * self.weights
            if isinstance(method, Training):
                full = not isinstance(method.trainable, LoRA)
                tokens = method.batch * self._tokens(task.material)
                own += (12.0 * self.weights if full else 0.0) + tokens * self.rates.activation_bytes * (
                    self.weights / 135e6
                ) ** 0.7
            heaviest = max(heaviest, own)
        return self.rates.base_bytes + heaviest

    def _tokens(self, material: MaterialRef) -> float:
        """Mean tokens of the rows a method is fed."""
        lengths = [self.of_rows[ref.digest] for ref in (*material.train, *material.harmful, *material.benign)]
        return sum(lengths) / len(lengths) if lengths else 0.0


def estimate(study: Study, jobs: int, rates: Rates = Rates()) -> Estimate:  # noqa: B008
    """The cost of what is missing with `jobs` workers.

    M is taken to break at the budget and M* never to, which is what a study hopes for; the sham follows M.
    """
    costs = Costs(study, rates)
    tracks, _ = all_tracks(study)
    makes: dict[str, MakeTask] = {}
    exposes: dict[str, float] = {}
    tasks: list[MakeTask | ExposeTask] = []
    readings = 0
    for track in tracks:
        for cell in track.cells:
            if is_broken(study.store, cell) or _is_done(study.store, cell.task):
                continue
            for make in cell.lineage.makes:
                if not study.store.subject(make.key).exists():
                    makes[make.key] = make
            until = costs.budget if cell.planned.subject == "M" and cell.task.stop else cell.task.doses[-1]
            exposes[cell.task.key] = costs.expose(cell.task, until)
            tasks.append(cell.task)
            readings += sum(len(study.frozen.item_ids[p.name]) for p in cell.task.probes) * len(cell.task.doses)
    made = sum(costs.make(make) for make in makes.values())
    seconds = made + _packed(list(exposes.values()), jobs) + 5
    memory = costs.memory([*tasks, *makes.values()]) * jobs + costs.rates.base_bytes
    disk = len(makes) * 4 * costs.weights + readings * 350 + 1e6
    return Estimate(cells=len(exposes), seconds=seconds, memory_bytes=memory, disk_bytes=disk)


def remaining_seconds(study: Study, plan: Plan) -> float:
    """Estimated seconds of work in what is missing, on one worker: what a progress bar is drawn from."""
    del plan
    return estimate(study, 1).seconds


def _is_done(store: Store, task: ExposeTask) -> bool:
    return store.failure(task.key) is not None or all(store.answers(task.key, dose).exists() for dose in task.doses)


def _packed(durations: list[float], jobs: int) -> float:
    """Wall seconds when each worker takes the next task as it becomes free."""
    free = [0.0] * jobs
    for seconds in durations:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return max(free)
