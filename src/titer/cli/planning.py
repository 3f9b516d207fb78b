"""`plan`: the cells, the cost, the overlap of the splits, and what the subject will see."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import typer

from titer.cli import show
from titer.study import Study, locate


def print_plan(where: Path, out: Path | None, jobs: int, examples: int, calibrate: bool, json: bool) -> None:
    """Print what a study will do and cost."""
    from titer.estimate import Rates, estimate
    from titer.freeze import open_study
    from titer.plan import plan

    study = open_study(locate(where, out))
    asked = plan(study)
    rates = Rates()
    if calibrate:
        from titer.calibration import measure

        rates = measure(study)
    cost = estimate(study, jobs, rates)
    rows = _cells(asked.cells)
    facts: dict[str, Any] = {
        "study": study.protocol.study.name,
        "digest": study.frozen.digest,
        "cells": len(asked.cells),
        "cells to go": asked.unfinished,
        "minutes": round(cost.seconds / 60, 1),
        "memory GiB": round(cost.memory_bytes / 2**30, 2),
        "disk MiB": round(cost.disk_bytes / 2**20, 1),
        "jobs": jobs,
        "threads": study.frozen.threads,
    }
    overlaps = [overlap.to_data() for overlap in study.frozen.overlaps]
    if json:
        from titer.records import canonical

        typer.echo(canonical({**facts, "by purpose": rows, "overlaps": overlaps}))
        return
    show.print_rows("Cells", rows, json=False)
    show.print_rows("Estimate", [facts], json=False)
    _print_overlaps(overlaps)
    if examples:
        _print_examples(study, examples)


def _cells(cells: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Cells by what they are for. The sham is planned once M's doses are known."""
    counted = Counter((c.purpose, c.subject, c.domain or c.task or "", c.attack) for c in cells)
    doses = {(c.purpose, c.subject, c.domain or c.task or "", c.attack): c.doses for c in cells}
    return [
        {
            "purpose": purpose,
            "subject": subject,
            "domain or task": what,
            "attack": attack,
            "cells": number,
            "doses": " ".join(str(dose) for dose in doses[purpose, subject, what, attack]),
        }
        for (purpose, subject, what, attack), number in counted.items()
    ]


def _print_overlaps(overlaps: list[dict[str, Any]]) -> None:
    if not overlaps:
        typer.echo("Overlap audit: no row is in two splits, exactly or nearly.")
        return
    shown = [{key: row[key] for key in ("first", "second", "exact", "near")} for row in overlaps]
    show.print_rows("Overlap audit: rows in two splits", shown, json=False)


def _print_examples(study: Study, number: int) -> None:
    from rich.console import Console
    from rich.text import Text

    from titer.preview import probe_prompts, training_examples

    console = Console()
    console.print("Training examples (tokens in the loss are reversed):", style="bold")
    for shown in training_examples(study, number):
        text = Text(f"{shown.place}\n")
        for piece, counted in shown.pieces:
            text.append(piece, style="reverse" if counted else "")
        console.print(text)
    console.print("Prompts of the probes:", style="bold")
    for shown in probe_prompts(study):
        console.print(Text(f"{shown.place}\n" + "".join(piece for piece, _ in shown.pieces)))
