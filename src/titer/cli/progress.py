"""How far a command is, on stderr: a bar with the time left on a terminal, elsewhere a line every half minute."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from titer.cli.output import duration
from titer.errors import LONGEST, shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from titer.planning.plan import Planner
    from titer.run import Progress
    from titer.study.tasks import Task

DRAWN_EVERY_SECONDS = 0.5
WRITTEN_EVERY_SECONDS = 30.0


class Watch:
    """Says again and again what is under way and how long it will still take, while the block goes on."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.begun = time.monotonic()
        self.ends: float | None = None
        self.about = "about"
        self.written = ""
        self.bars = _bars(what) if sys.stderr.isatty() else None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._go_on, daemon=True)

    def say(self, what: str, left_seconds: float | None) -> None:
        """What is under way from now on, and how long it will take, where that is known."""
        self.what = what
        self.ends = None if left_seconds is None else time.monotonic() + left_seconds

    def show(self) -> None:
        """Draw the bar anew, or write a line."""
        now = time.monotonic()
        left = None if self.ends is None else max(self.ends - now, 0.0)
        rest = "" if left is None else f"{self.about} {duration(left)} left"
        if self.bars is None:
            line = ", ".join(part for part in (self.what, rest) if part)
            again = f", {duration(now - self.begun)} so far" if line == self.written else ""
            self.written = line
            print(f"titer: {shown(line, LONGEST)}{again}", file=sys.stderr, flush=True)
            return
        spent = now - self.begun
        total = None if left is None else spent + left
        self.bars.update(
            self.bars.task_ids[0], description=shown(self.what, LONGEST), completed=spent, total=total, rest=rest
        )

    def __enter__(self) -> Self:
        if self.bars is not None:
            self.bars.start()
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.thread.join()
        if self.bars is not None:
            self.bars.stop()

    def _go_on(self) -> None:
        while not self.over.wait(WRITTEN_EVERY_SECONDS if self.bars is None else DRAWN_EVERY_SECONDS):
            self.show()


def follow(steps: Iterator[Progress], jobs: int | None = None) -> None:
    """Do the steps of a run while saying how far it is and, where the workers are told, how long it will take."""
    from titer.planning.cost.estimate import Outlook

    outlook: Outlook | None = None
    with Watch("planning") as watch:
        for step in steps:
            if outlook is not None:
                outlook.update(step.finished)
            elif jobs is not None:
                outlook = Outlook(step.planner, jobs)
                watch.about = "at least" if outlook.widens else "about"
            what = _under_way(step.planner) or ("working" if step.unfinished else "done")
            watch.say(what, None if outlook is None else outlook.left_seconds)
            if step.finished is None and step.unfinished:
                watch.show()


def _under_way(planner: Planner) -> str:
    """How many cells are done, and what is being done: the task begun last; nothing where there is neither."""
    doing = next((_doing(task) for task in planner.under_way[-1:]), "")
    cells = len(planner.curves)
    if not cells:
        return doing
    done = f"{cells - planner.unfinished} of {cells} cells done"
    return f"{done}, now {doing}" if doing else done


def _doing(task: Task) -> str:
    """A task in words."""
    if task.kind == "make":
        return f"making {task.role}"
    if task.kind == "judge":
        return "judging answers"
    cell = task.cell
    where = f" in {cell.domain}" if cell.domain else f" on {cell.task}" if cell.task else ""
    trial = "" if cell.trial is None else f", trial {cell.trial}"
    return f"{cell.attack}{where}, {cell.subject} model, seed {cell.index}{trial}"


def _bars(what: str) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[rest]}", table_column=Column(no_wrap=True)),
    )
    bars = Progress(*columns, console=Console(stderr=True), refresh_per_second=4, transient=True, expand=True)
    bars.add_task(shown(what, LONGEST), total=None, rest="")
    return bars
