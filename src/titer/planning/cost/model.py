"""What single tasks of a study put through their subject, counted from the plan: tokens and operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from titer.data.identifiers import ProbeId, SplitId
from titer.methods import registry
from titer.methods.base import Attack, Defense, Method
from titer.study.folder import Study
from titer.study.tasks import ExposeTask, JudgeTask, MakeTask, MaterialRef, ProbeRef, Task
from titer.training.load import Load
from titer.training.recipe import Adam, AdamW, Full, Training

BYTES_PER_WEIGHT = 4
"""Weights are float32, whatever the precision of the arithmetic."""
BYTES_PER_ANSWER = 350
"""An answer with its scores, on disk."""


class Work(NamedTuple):
    """How many tasks, what they put through their subject in tokens, and the floating-point operations of that.

    Operations are 6 per weight and token trained on, 4 where the weights themselves rest, and 2 where it is only read:
    `in_batches` on whole texts, `in_decoding` on answers, which are said token after token.
    """

    tasks: float = 0.0
    tokens: float = 0.0
    in_batches: float = 0.0
    in_decoding: float = 0.0

    def plus(self, other: Work, times: float = 1) -> Work:
        """This, and the other so many times."""
        return Work(*(own + times * more for own, more in zip(self, other, strict=True)))


@runtime_checkable
class Trains(Protocol):
    """A method that trains: it says what a step puts through the subject."""

    @property
    def load(self) -> Load: ...


class Costs:
    """The work and the memory of single tasks of one study."""

    def __init__(self, study: Study) -> None:
        self.frozen = study.frozen
        self.weights = float(study.frozen.parameters or 1e9)
        harm = study.protocol.harm.domain
        self.lengths = {digest: self.frozen.tokens[name] for name, digest in self.frozen.rows.items()}
        sizes = {SplitId.domain(own.name, split): own.splits[split] for own in harm for split in own.splits}
        self.sizes = {digest: sizes[name] for name, digest in self.frozen.rows.items() if name in sizes}

    def make(self, task: MakeTask) -> Work:
        """A make."""
        return Work(tasks=1).plus(self._training(_method(task), task.material, 1, ()))

    def expose(self, task: ExposeTask, until: int, deciding: Mapping[ProbeId, int] = MappingProxyType({})) -> Work:
        """An exposure that is read up to a dose.

        Args:
            task: the exposure.
            until: the dose.
            deciding: how many items of a probe are asked at each dose above 0, where not all are.
        """
        inputs, attack = task.inputs, registry.attack(task.inputs.attack)
        doses = [dose for dose in task.cell.doses if dose <= until] or list(task.cell.doses[:1])
        work = Work(tasks=1).plus(self._training(attack, inputs.material, max(doses), inputs.probes))
        exemplar = self._mean(MaterialRef(train=inputs.material.train))
        for probe in inputs.probes:
            for dose in probe.asked_at(doses):
                changed = dose > 0 and not probe.plain
                vectors = attack.frame_at(probe.frame, dose).soft if changed else 0
                beside = vectors + changed * attack.num_exemplars(dose) * exemplar
                work = work.plus(self.ask(probe, beside, deciding.get(probe.name) if dose > 0 else None))
        return work

    def step(self, method: Trains, material: MaterialRef, probes: Sequence[ProbeRef] = ()) -> Work:
        """One optimizer step; prompts that it has answered are taken to be as long as those of the first probe."""
        load, said = method.load, Work()
        if load.answers:
            longest = load.longest or probes[0].frame.max_new_tokens
            said = self._answers(load.answers, self.frozen.tokens[probes[0].name], longest)
        vectors = method.frame_at(material.frame, 1).soft if isinstance(method, Attack) else 0
        read = self._read((load.partly + load.read) * self._mean(material))
        trained = load.rows * max(self._mean(material) + vectors, 1.0) + said.tokens
        return said.plus(read).plus(self._trained(method, trained))

    def ask(self, probe: ProbeRef, beside: float = 0.0, asked: int | None = None) -> Work:
        """A probe asked once; an option is taken for a third of its prompt.

        Args:
            probe: the probe.
            beside: how many tokens stand beside each prompt.
            asked: how many of its items are; None for all.
        """
        items = len(self.frozen.item_ids[probe.name]) if asked is None else asked
        prompt = self.frozen.tokens[probe.name] + beside
        if registry.probe(probe.method).decodes:
            return self._answers(items, prompt, probe.frame.max_new_tokens)
        return self._read(items * max(self.frozen.options[probe.name], 1) * prompt * 4 / 3)

    def memory(self, task: MakeTask | ExposeTask) -> float:
        """Bytes of weights that a task holds at once, which is less than it takes.

        They are those of the subject, of the copy that an exposure compares it with, of the parent that it is held
        against, of a gradient and of moments, and the copies that the method says it holds; those of an adapter count
        for nothing.
        """
        method, copies = _method(task), 1 if isinstance(task, MakeTask) else 2
        copies += (task.material if isinstance(task, MakeTask) else task.inputs.material).parent is not None
        if method is not None and (_is_full(method) or not isinstance(method, Trains)):
            copies += method.copies
        if isinstance(method, Training) and _is_full(method):
            copies += 3 if isinstance(method.optimizer, Adam | AdamW) else 1
        return BYTES_PER_WEIGHT * copies * self.weights

    def kept(self, task: Task) -> float:
        """Bytes that a task leaves in the store: weights, and answers with their scores at every dose."""
        if isinstance(task, MakeTask):
            return BYTES_PER_WEIGHT * self.weights
        items = self.frozen.item_ids
        if isinstance(task, JudgeTask):
            judged = (len(items[one.probe]) * sum(map(one.asked.at, task.doses)) for one in task.judges)
            return float(BYTES_PER_ANSWER * sum(judged))
        asked = (len(items[one.name]) * len(one.asked_at(task.cell.doses)) for one in task.inputs.probes)
        return BYTES_PER_ANSWER * sum(asked) + BYTES_PER_WEIGHT * self.weights * task.inputs.keep_weights

    def partial_states(self, task: Task) -> float:
        """Bytes of what a make resumes from, while the state before is still there: weights and moments, twice."""
        method = _method(task) if isinstance(task, MakeTask) else None
        if not (isinstance(method, Training) and _is_full(method)):
            return 0.0
        return 2 * BYTES_PER_WEIGHT * self.weights * (3 if isinstance(method.optimizer, Adam | AdamW) else 1)

    def _training(
        self, method: Attack | Defense | None, material: MaterialRef, dose: int, probes: Sequence[ProbeRef]
    ) -> Work:
        """A training up to a dose, or of as many steps as its parameter `train_steps` says."""
        if not isinstance(method, Trains):
            return Work()
        rows = sum(ref.draw or self.sizes.get(ref.digest, 0) for ref in (*material.train, *material.harmful))
        load = method.load
        looked = 2 * min(load.read_by_block, rows) * (1 + (self.frozen.blocks or 0))
        before = self._read((load.read_before * rows + looked) * self._mean(material))
        before = before.plus(self._trained(method, load.trained_before * self._mean(material)))
        steps = int(method.to_data().get("train_steps", dose))
        return before.plus(self.step(method, material, probes), steps * method.passes)

    def _trained(self, method: Trains, tokens: float) -> Work:
        return Work(tokens=tokens, in_batches=(6 if _is_full(method) else 4) * self.weights * tokens)

    def _read(self, tokens: float) -> Work:
        return Work(tokens=tokens, in_batches=2 * self.weights * tokens)

    def _answers(self, answers: int, prompt: float, longest: int) -> Work:
        """So many answers of the greatest length."""
        said = float(answers * longest)
        return self._read(answers * prompt).plus(Work(tokens=said, in_decoding=2 * self.weights * said))

    def _mean(self, material: MaterialRef) -> float:
        """Mean tokens of the rows a method is fed."""
        lengths = [self.lengths[ref.digest] for ref in (*material.train, *material.harmful, *material.benign)]
        return sum(lengths) / len(lengths) if lengths else 0.0


def _is_full(method: Method | Trains) -> bool:
    """Whether every weight is trained."""
    return isinstance(method, Training) and isinstance(method.trainable, Full)


def _method(task: MakeTask | ExposeTask) -> Attack | Defense | None:
    """The attack or defense of a task; None for a make that only loads."""
    if isinstance(task, ExposeTask):
        return registry.attack(task.inputs.attack)
    return registry.defense(task.defense) if task.defense else None
