"""What a study has to do and what that costs, as data and in units for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from titer.cli import output
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.machine import Machine, size_text
from titer.planning.cost.model import Work
from titer.study.tasks import CellSpec
from titer.tuning.cost import TuningWork

UNKNOWN = "not known before something has run here; `titer plan --measure` times a few steps (under a minute)"
SOONER = "the less the sooner models break"


def cells_by_purpose(cells: Iterable[CellSpec]) -> list[dict[str, Any]]:
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


def estimate(
    outlook: Outlook, machine: Machine, cells: int, price: float | None, tuning: TuningWork | None
) -> dict[str, Any]:
    """The estimate as plain data: seconds and money are None before anything was measured on this machine.

    Tokens, operations, seconds and money are what a study hopes for; `least` and `most` are theirs where all curves end
    at once, and where none ends before its last dose.

    Args:
        outlook: what is to be done.
        machine: what is free on it.
        cells: how many cells are planned.
        price: of an hour, in any currency.
        tuning: what trials of the defense come to, where it is still to be tuned.
    """
    study, memory, least, most = outlook.study, outlook.memory_bytes, outlook.least, outlook.most
    return {
        "study": study.protocol.study.name,
        "digest": study.frozen.digest,
        "cells": cells,
        "cells_to_go": sum(outlook.tasks[key].kind == "expose" for key in outlook.waiting),
        "searches": outlook.searches,
        "widens": outlook.widens,
        **_work(outlook.whole, outlook.left_seconds, price),
        **_ends(outlook, least, most, price),
        "tuning": tuning and {"trials": tuning.trials, **_ends(outlook, tuning.least, tuning.most, price)},
        "price_per_hour": price,
        "memory_bytes": round(memory),
        "memory_measured": 0 < memory <= outlook.jobs * outlook.peak_bytes,
        "memory_free_bytes": machine.free_memory,
        "gpu_memory_free_bytes": machine.free_gpu_memory,
        "disk_bytes": round(outlook.disk_bytes),
        "disk_free_bytes": machine.disk,
        "jobs": outlook.jobs,
        "threads": study.frozen.threads,
    }


def _ends(outlook: Outlook, least: Work, most: Work, price: float | None) -> dict[str, Any]:
    return {
        "least": _work(least, outlook.seconds(least), price),
        "most": _work(most, outlook.seconds(most), price),
    }


def _work(work: Work, seconds: float | None, price: float | None) -> dict[str, Any]:
    return {
        "tokens": round(work.tokens),
        "flops": round(work.in_batches + work.in_decoding),
        "seconds": None if seconds is None else round(seconds, 1),
        "money": None if price is None or seconds is None else round(price * seconds / 3600, 2),
    }


def readable(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts in units for people."""
    planned, left = facts["cells"], facts["cells_to_go"]
    name = {"study": f"{facts['study']} ({facts['digest'][:8]})"}
    if not left:
        return name | {"cells": planned, "cells to go": 0}
    tuning = {"tuning": _tuning(facts["tuning"])} if facts["tuning"] else {}
    later = f", and {left - planned} that follow from what these read" if left > planned else ""
    searches = (
        {"searches": "counted as if all that they try were the attack written by hand"} if facts["searches"] else {}
    )
    widens = {"not counted": "rates by which the grid of a benign task may widen"} if facts["widens"] else {}
    least, most, memory = facts["least"], facts["most"], size_text(facts["memory_bytes"])
    free = facts["gpu_memory_free_bytes"] or facts["memory_free_bytes"]
    memory = f"{memory}, by what has run here" if facts["memory_measured"] else f"at least {memory}, for weights"
    money = {}
    if facts["money"] is not None:
        money = {"money": f"{least['money']:.2f} to {most['money']:.2f} at {facts['price_per_hour']:g} an hour"}
    time = UNKNOWN
    if facts["seconds"] is not None:
        time = f"{output.time_range(least['seconds'], most['seconds'])}, by what has run here: {SOONER}"
    return name | {
        "cells": f"{planned}{later}",
        "cells to go": left,
        **searches,
        **widens,
        "tokens": f"{least['tokens'] / 1e6:.3g} to {most['tokens'] / 1e6:.3g} million through the model",
        "operations": f"{least['flops']:.2g} to {most['flops']:.2g} in floating point",
        "time": time,
        **tuning,
        "workers": f"{facts['jobs']}, threads of each: {facts['threads']}",
        "memory": f"{memory}; {size_text(free)} are free",
        "disk": f"{size_text(facts['disk_bytes'])}; {size_text(facts['disk_free_bytes'])} are free",
        **money,
    }


def _tuning(facts: dict[str, Any]) -> str:
    """What the trials of `titer tune` come to, which are no part of the study."""
    least, most = facts["least"], facts["most"]
    if least["seconds"] is None:
        took = f"{least['flops']:.2g} to {most['flops']:.2g} operations"
    else:
        took = output.time_range(least["seconds"], most["seconds"])
    return f"{facts['trials']} trials by `titer tune`, {took} beside this, as if all were the defense as it is written"
