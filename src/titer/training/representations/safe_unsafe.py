"""What methods that sort hidden states compare: safe, unsafe and retained conversations, and their states.

N response tokens of a batch   d width
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor

from titer.models.chat_format import Batch
from titer.models.subject import Subject
from titer.training.representations.compared_rows import padded
from titer.training.representations.hidden_states import states
from titer.training.sft import BatchSampler, RowSource, TrainRow, check_pairs
from titer.training.types import Material

PARTS: Final[tuple[RowSource, ...]] = ("harmful", "refusal", "benign")


@dataclass(frozen=True)
class Sorted:
    """The conversations that are sorted at once, for B of them: 2B safe, 2B unsafe, B retained.

    Unsafe ones are harmful responses; safe ones the refusals of the second half of them, after B benign answers;
    retained are B benign answers more.
    """

    safe: Batch
    unsafe: Batch
    retained: Batch
    rows: tuple[TrainRow, ...]


class SafeUnsafe:
    """Draws the conversations of every step, in batches.

    Args:
        subject: whose tokenizer encodes them.
        material: harmful rows with their refusals, and benign ones.
        batch: B.
        batches: how many such batches make a step.
    """

    def __init__(self, subject: Subject, material: Material, batch: int, batches: int) -> None:
        self._sampler = BatchSampler(subject, material, PARTS)
        self._subject = subject
        self.batch, self.batches = batch, batches

    def draw(self, t: int, seed: int) -> list[Sorted]:
        """The batches of step t, counted from 0."""
        count = 2 * self.batch * self.batches
        harmful, refusals, benign = (self._sampler.draw(part, count, t, seed) for part in PARTS)
        check_pairs(refusals, harmful)
        found = []
        for start in range(0, count, 2 * self.batch):
            half, end = start + self.batch, start + 2 * self.batch
            safe = [*benign[start:half], *refusals[half:end]]
            unsafe, retained = harmful[start:end], benign[half:end]
            rows = (*safe, *unsafe, *retained)
            safe_batch, unsafe_batch, retained_batch = (padded(self._subject, own) for own in (safe, unsafe, retained))
            found.append(Sorted(safe_batch, unsafe_batch, retained_batch, rows))
        return found


def response_states(subject: Subject, batch: Batch) -> tuple[Tensor, ...]:
    """The hidden states (N, d) at the response tokens of a batch, embeddings first."""
    return tuple(own[batch.mask] for own in states(subject, batch))
