"""The judges of one task: opened when they are first asked for, closed when the task ends."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from titer.methods import registry
from titer.methods.measurement import Judge, opened
from titer.records import Choice, Compute


class OpenJudges:
    """Judges by their choice, each opened once. To be used as a context, whose end closes them.

    Args:
        compute: how numbers are computed, as a task has it.
    """

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._judges: dict[str, Judge] = {}
        self._opened = ExitStack()

    def of(self, choice: Choice) -> Judge:
        """The configured judge of that name, ready to judge."""
        name = choice.to_json()
        if name not in self._judges:
            self._judges[name] = self._opened.enter_context(opened(registry.judge(choice), self._compute))
        return self._judges[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every judge."""
        self._judges.clear()
        self._opened.close()
