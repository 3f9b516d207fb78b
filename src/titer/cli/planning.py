"""`plan`: the cells, the cost, the overlap of the splits, and what the subject will see."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from titer.calibration import measure
from titer.cli import show
from titer.cli.opening import look
from titer.cli.progress import Watch
from titer.estimate import Rates, estimate
from titer.findings import Overlap
from titer.plan import plan
from titer.preview import Preview, preview
from titer.study import Study
from titer.tasks import Planned


def print_plan(where: Path, out: Path | None, jobs: int, examples: int, calibrate: bool, json: bool) -> None:
    """Print what a study will do and cost."""
    study = look(where, out)
    asked = plan(study)
    cost = estimate(study, jobs, _rates(study) if calibrate else Rates())
    facts = {
        "study": study.protocol.study.name,
        "digest": study.frozen.digest,
        "cells": len(asked.cells),
        "cells_to_go": cost.cells,
        "seconds": round(cost.seconds, 1),
        "memory_bytes": round(cost.memory_bytes),
        "disk_bytes": round(cost.disk_bytes),
        "jobs": jobs,
        "threads": study.frozen.threads,
        "calibrated": calibrate,
    }
    rows = _by_purpose(asked.cells)
    if json:
        overlaps = [overlap.to_data() for overlap in study.frozen.overlaps]
        shown = _as_data(_show(study, examples)) if examples else {}
        show.print_json(facts | {"cells_by_purpose": rows, "overlaps": overlaps} | shown)
        return
    show.print_rows("Cells", [row | {"doses": " ".join(str(dose) for dose in row["doses"])} for row in rows])
    show.print_facts("Estimate of what is to be done", _readable(facts))
    _print_overlaps(study.frozen.overlaps)
    if examples:
        _print_examples(_show(study, examples))


def _rates(study: Study) -> Rates:
    with Watch("timing training steps and answers"):
        return measure(study)


def _by_purpose(cells: Iterable[Planned]) -> list[dict[str, Any]]:
    """Cells by what they are for."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for cell in cells:
        what = cell.domain or cell.task
        row = rows.setdefault(
            (cell.purpose, cell.subject, what or "", cell.attack),
            {
                "purpose": cell.purpose,
                "subject": cell.subject,
                "domain_or_task": what,
                "attack": cell.attack,
                "cells": 0,
                "doses": [],
            },
        )
        row["cells"] += 1
        row["doses"] = sorted({*row["doses"], *cell.doses})
    return list(rows.values())


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts in units for people."""
    planned, left = facts["cells"], facts["cells_to_go"]
    name = {"study": f"{facts['study']} ({facts['digest'][:8]})"}
    if not left:
        return name | {"cells": planned, "cells to go": 0}
    later = f", and {left - planned} sham cells once M's doses are known" if left > planned else ""
    pace = "as timed here" if facts["calibrated"] else "on two cores of a server; --calibrate times it here"
    return name | {
        "cells": f"{planned}{later}",
        "cells to go": left,
        "time": f"about {show.duration(facts['seconds'])} ({pace})",
        "workers": f"{facts['jobs']}, threads of each: {facts['threads']}",
        "memory": f"{facts['memory_bytes'] / 2**30:.1f} GiB",
        "disk": f"{facts['disk_bytes'] / 2**20:.0f} MiB",
    }


def _print_overlaps(overlaps: tuple[Overlap, ...]) -> None:
    if not overlaps:
        typer.echo("Overlap audit: no row is in two splits, exactly or nearly.")
        return
    rows = [{"split": o.first, "other_split": o.second, "exact": o.exact, "near": o.near} for o in overlaps]
    show.print_rows("Overlap audit: rows in two splits", rows)


def _show(study: Study, number: int) -> Preview:
    with Watch("reading the tokenizer"):
        return preview(study, number)


def _as_data(found: Preview) -> dict[str, Any]:
    return {
        name: [{"place": one.place, "pieces": [list(piece) for piece in one.pieces]} for one in shown]
        for name, shown in (("examples", found.examples), ("prompts", found.prompts))
    }


def _print_examples(found: Preview) -> None:
    console = Console()
    marked = console.is_terminal
    how = "reversed" if marked else "in [brackets]"
    for title, shown in (
        (f"Training examples (tokens in the loss {how}):", found.examples),
        ("Prompts of the probes:", found.prompts),
    ):
        console.print(Text(f"\n{title}", style="bold"))
        for example in shown:
            console.print(Text(example.place, style="cyan"))
            text = Text()
            for piece, counted in example.pieces:
                text.append(f"[{piece}]" if counted and not marked else piece, style="reverse" if counted else "")
            console.print(text)
