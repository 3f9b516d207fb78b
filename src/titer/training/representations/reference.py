"""The subject as it was when its training began, which nothing moves."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from titer.models import lora
from titer.models.subject import Subject


class Reference:
    """Reads with the weights that a training begins from.

    Under an adapter that is the subject with the adapter off, and costs no memory; otherwise it is a frozen copy of
    all weights. Made in `Objective.prepare`, so that an interrupted training is resumed with the same reference.
    """

    def __init__(self, subject: Subject) -> None:
        self._trained = subject if subject.adapted else None
        self._copy = None if subject.adapted else _frozen(subject)

    @contextmanager
    def reading(self) -> Iterator[Subject]:
        """The subject as it was, in evaluation mode and without gradients, for the block."""
        if self._copy is not None:
            with self._copy.reading():
                yield self._copy
        if self._trained is not None:
            with lora.off(self._trained.model), self._trained.reading():
                yield self._trained


def _frozen(subject: Subject) -> Subject:
    model = copy.deepcopy(subject.model).requires_grad_(False)
    return Subject(model.eval(), subject.tokenizer, dtype=subject.dtype)
