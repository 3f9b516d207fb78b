"""What single tasks of a study cost: tokens, operations, seconds and memory, from their work and a few rates.

The rates are set to reproduce runs on two cores of an x86 server; `plan --calibrate` measures yours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from titer.data.identifiers import SplitId
from titer.methods import registry
from titer.methods.attacks.prompting.soft_prompt import SoftPrompt
from titer.methods.base import Attack, Defense
from titer.records import Choice
from titer.study.folder import Frozen, Study
from titer.study.tasks import ExposeTask, MakeTask, MaterialRef, ProbeRef
from titer.training.recipe import Load, LoRA, Training

Work = MakeTask | ExposeTask


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


class Costs:
    """The cost of single tasks of one study."""

    def __init__(self, study: Study, rates: Rates = Rates()) -> None:  # noqa: B008
        self.frozen: Frozen = study.frozen
        self.rates = rates
        self.weights = float(study.frozen.parameters or 1e9)
        self.power = rates.flops * study.frozen.threads
        self.of_rows = {digest: self.frozen.tokens[name] for name, digest in self.frozen.rows.items()}
        domains = study.protocol.harm.domain
        self.sizes = {self.frozen.rows[SplitId.domain(own.name, "attack")]: own.splits["attack"] for own in domains}
        self.budget = study.protocol.attacker.budget

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
        doses = [dose for dose in task.cell.doses if dose <= until] or list(task.cell.doses[:1])
        if isinstance(attack, Training | SoftPrompt):
            steps = int(attack.to_data().get("train_steps", max(doses)))
            before = self._read(
                attack.load.read_before * self._rows(task.inputs.material) * self._tokens(task.inputs.material)
            )
            effort = effort.plus(before).plus(self.step(attack, task.inputs.material, task.inputs.probes), steps)
        for probe in task.inputs.probes:
            for dose in probe.asked_at(doses):
                effort = effort.plus(self.ask(probe, self._beside(task, probe, dose)))
        return effort

    def step(self, training: Training | SoftPrompt, material: MaterialRef, probes: Sequence[ProbeRef] = ()) -> Effort:
        """One optimizer step; prompts that it has answered are taken to be as long as those of the first probe."""
        load, said = training.load, Effort()
        vectors = training.tokens if isinstance(training, SoftPrompt) else 0
        tokens = load.rows * max(self._tokens(material) + vectors, 1.0)
        if load.answers:
            at_once = load.answers // _accumulation(training)
            said = self._answers(load.answers, at_once, self.frozen.tokens[probes[0].name], _longest(load, probes[0]))
            tokens += said.tokens
        flops = (6 if _is_full(training) else 4) * self.weights * tokens
        return said.plus(Effort(tokens=tokens, flops=flops, seconds=self.rates.step_seconds + flops / self.power))

    def ask(self, probe: ProbeRef, beside: float = 0.0) -> Effort:
        """A probe asked once, with so many tokens beside each prompt."""
        items = len(self.frozen.item_ids[probe.name])
        prompt = self.frozen.tokens[probe.name] + beside
        if probe.method == Choice(name="choice"):
            return self._read(items * max(self.frozen.options[probe.name], 1) * prompt * 1.3, 0.02)
        return self._answers(items, self.frozen.compute.batch, prompt, probe.frame.max_new_tokens)

    def memory(self, tasks: Iterable[Work]) -> float:
        """Peak bytes of one worker: weights, a copy, gradients, the optimizer's two moments, activations."""
        heaviest = 8.0 * self.weights
        for task in tasks:
            method = _method(task)
            if isinstance(method, Training | SoftPrompt):
                accumulation = _accumulation(method)
                material = task.inputs.material if isinstance(task, ExposeTask) else task.material
                tokens = method.load.rows * self._tokens(material) / accumulation
                if method.load.answers and isinstance(task, ExposeTask):
                    probe = task.inputs.probes[0]
                    length = self.frozen.tokens[probe.name] + _longest(method.load, probe)
                    tokens += method.load.answers * length / accumulation
                kept = tokens * self.rates.activation_bytes * (self.weights / 135e6) ** 0.7
                heaviest = max(heaviest, (20.0 if _is_full(method) else 8.0) * self.weights + kept)
        return self.rates.base_bytes + heaviest

    def _read(self, tokens: float, fixed: float = 0.0) -> Effort:
        """Tokens that go through the subject without a gradient."""
        flops = 2 * self.weights * tokens
        return Effort(tokens=tokens, flops=flops, seconds=flops / self.power + fixed)

    def _answers(self, answers: int, at_once: int, prompt: float, longest: int) -> Effort:
        """So many answers of the greatest length, decoded token by token."""
        rounds = -(-answers // at_once) * float(longest)
        fixed = rounds * (self.rates.token_seconds + 4 * self.weights / self.rates.bandwidth)
        return self._read(answers * (prompt + longest), fixed)

    def _beside(self, task: ExposeTask, probe: ProbeRef, dose: int) -> float:
        """The tokens of exemplars and the vectors that stand beside a prompt at a dose."""
        if dose == 0 or probe.plain:
            return 0.0
        attack = registry.attack(task.inputs.attack)
        mean = self._tokens(MaterialRef(train=task.inputs.material.train))
        return attack.num_exemplars(dose) * mean + attack.frame_at(probe.frame, dose).soft

    def _rows(self, material: MaterialRef) -> int:
        """How many rows a method is fed, as far as the protocol says it."""
        return sum(ref.draw or self.sizes.get(ref.digest, 0) for ref in material.train)

    def _tokens(self, material: MaterialRef) -> float:
        """Mean tokens of the rows a method is fed."""
        lengths = [self.of_rows[ref.digest] for ref in (*material.train, *material.harmful, *material.benign)]
        return sum(lengths) / len(lengths) if lengths else 0.0


def _is_full(method: Training | SoftPrompt) -> bool:
    """Whether every weight is trained."""
    return isinstance(method, Training) and not isinstance(method.trainable, LoRA)


def _accumulation(method: Training | SoftPrompt) -> int:
    return method.accumulation if isinstance(method, Training) else 1


def _method(task: Work) -> Attack | Defense | None:
    """The attack or defense of a task; None for a make that only loads."""
    if isinstance(task, ExposeTask):
        return registry.attack(task.inputs.attack)
    return registry.defense(task.defense) if task.defense else None


def _longest(load: Load, probe: ProbeRef) -> int:
    """The most tokens of an answer that is trained on."""
    return load.longest or probe.frame.max_new_tokens
