"""Objectives on rows that are sorted into safe and unsafe ones, compared with the subject as it was."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter

from titer.models.subject import Subject
from titer.training.representations.compared_rows import counted
from titer.training.representations.reference import Reference
from titer.training.representations.safe_unsafe import SafeUnsafe, Sorted
from titer.training.sft import TrainRow
from titer.training.types import Material, Objective, Update


class SortedObjective(Objective):
    """What one step does batch by batch; how a batch is descended is the objective's own.

    Args:
        batch: rows of each kind in a batch.
        batches: batches of a step.
    """

    def __init__(self, *, batch: int, batches: int) -> None:
        self.batch, self.batches = batch, batches
        self._drawing: SafeUnsafe | None = None
        self._reference: Reference | None = None

    def prepare(self, subject: Subject, material: Material) -> None:
        """Keep the subject as it is, and encode the rows."""
        self._reference = Reference(subject)
        self._drawing = SafeUnsafe(subject, material, self.batch, self.batches)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of one batch after the other."""
        assert self._drawing is not None
        assert self._reference is not None
        found: Counter[str] = Counter()
        drawn: list[TrainRow] = []
        for part in self._drawing.draw(t, seed):
            terms = self._descend(subject, self._reference, part)
            found.update({name: own / self.batches for name, own in terms.items()})
            drawn += part.rows
        tokens = counted(drawn, drawn, prompts=False)
        return Update(terms=dict(found), rows=tuple(one.row for one in drawn), tokens=tokens)

    @abstractmethod
    def _descend(self, subject: Subject, reference: Reference, part: Sorted) -> dict[str, float]:
        """Add the gradient of one batch, a share of the step's; its terms."""
