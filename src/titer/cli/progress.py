"""A progress bar with the time left, over the estimated seconds of what is still to be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from titer.estimate import remaining_seconds
from titer.study import Study

if TYPE_CHECKING:
    from titer.run import Progress as Run


def follow(study: Study, steps: Iterator[Run], quiet: bool = False) -> None:
    """Do the steps of a run while showing how far it is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=console, refresh_per_second=2, speed_estimate_period=600) as bars:
        bar = bars.add_task("planning", total=None)
        begun: float | None = None
        for step in steps:
            left = remaining_seconds(study, step.plan)
            begun = left if begun is None else max(begun, left)
            text = f"{step.plan.unfinished} cells to go" if step.plan.unfinished else "done"
            bars.update(bar, total=max(begun, 1e-9), completed=begun - left, description=text)
