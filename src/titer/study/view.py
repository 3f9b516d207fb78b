"""What became of the cells of a study, as a store holds it: planning looks at each node once, and again when a task
has changed it.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from titer.records import DoseFacts
from titer.study.store import Store
from titer.study.tasks import ExposeTask, Task

Values = tuple[float | None, ...]


class CellResults(ABC):
    """What was asked and judged of cells, at which doses, and what failed: all that curves are read from."""

    @abstractmethod
    def failure(self, key: str) -> str | None:
        """Why the method of a node failed by its own doing, or None."""

    @abstractmethod
    def answered(self, cell: str) -> frozenset[int]:
        """The doses at which a cell was asked."""

    @abstractmethod
    def scored(self, key: str) -> frozenset[int]:
        """The doses at which a judge has read a cell."""

    @abstractmethod
    def values(self, key: str, dose: int) -> Values:
        """The values of the scores of one judge at one dose."""

    @abstractmethod
    def facts(self, cell: str, dose: int) -> DoseFacts:
        """The facts of a cell at one dose."""


class StoreView(CellResults):
    """The nodes of a store that exist, by key; `forget` says which of them a task may have changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._cells, self._scores = str(store.root / "cells"), str(store.root / "scores")
        self._doses: dict[tuple[str, str], frozenset[int]] = {}
        self._failures: dict[str, str | None] = {}
        self._subjects: dict[str, bool] = {}

    def failure(self, key: str) -> str | None:
        """Why the method of a node failed by its own doing, or None."""
        if key not in self._failures:
            self._failures[key] = self.store.failure(key)
        return self._failures[key]

    def has_subject(self, key: str) -> bool:
        """Whether a model was made."""
        if not self._subjects.get(key, False):
            self._subjects[key] = self.store.subject(key).exists()
        return self._subjects[key]

    def answered(self, cell: str) -> frozenset[int]:
        """The doses at which a cell was asked."""
        return self._listed(self._cells, cell)

    def scored(self, key: str) -> frozenset[int]:
        """The doses at which a judge has read a cell."""
        return self._listed(self._scores, key)

    def values(self, key: str, dose: int) -> Values:
        """The values of the scores of one judge at one dose; never kept, for each is asked for once."""
        return self.store.read_values(key, dose)

    def facts(self, cell: str, dose: int) -> DoseFacts:
        """The facts of a cell at one dose."""
        return self.store.read_facts(cell, dose)

    def forget(self, task: Task) -> None:
        """Look again at what a task may have written."""
        self._failures.pop(task.key, None)
        self._doses.pop((self._cells, task.key), None)
        if task.kind != "make":
            judges = task.inputs.judges if isinstance(task, ExposeTask) else task.judges
            for judge in judges:
                self._doses.pop((self._scores, judge.key), None)

    def _listed(self, folder: str, key: str) -> frozenset[int]:
        found = self._doses.get((folder, key))
        if found is None:
            found = self._doses[folder, key] = _doses_in(f"{folder}/{key}")
        return found


def _doses_in(folder: str) -> frozenset[int]:
    """The doses that have a file in a folder of a cell or of a judge's scores."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return frozenset()
    stems = (name.removesuffix(".jsonl") for name in names if name.endswith(".jsonl"))
    return frozenset(int(stem) for stem in stems if stem.isdigit())
