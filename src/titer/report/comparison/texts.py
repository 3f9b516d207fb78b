"""A comparison in words: the cells of its table, and the table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from titer.report.comparison.rows import BreakingDose, ComparedRow, Comparison
from titer.report.escape import escape, table


def cells(row: ComparedRow) -> dict[str, str]:
    """The texts of a row by the names of its columns; a dash where there is nothing."""
    said = {
        "study": row.study,
        "subject": row.subject,
        "defense": row.defense,
        "verdict": row.verdict if row.conditions else "",
        "resistance": _condition(row, "resistance"),
        "generalization": _condition(row, "generalization"),
        "first broken": _first_broken(row.breaking),
        "stability": _stability(row),
        "trainability": _training(row),
        "cost": "" if row.flops is None else f"{row.flops:.2g} operations",
    }
    return {name: text or "–" for name, text in said.items()}


def markdown_table(found: Comparison) -> str:
    """The table with what differs without harm; a column without any entry is left out."""
    rows = [cells(row) for row in found.shown]
    names = [name for name in rows[0] if any(row[name] != "–" for row in rows)]
    lines = [f"- {escape(note)}" for note in found.notes]
    return "\n\n".join([table(names, [[escape(row[name]) for name in names] for row in rows]), *lines])


def explained() -> str:
    """What the columns mean, as a Markdown list."""
    return "\n".join(f"- {escape(note)}" for note in EXPLAINED)


EXPLAINED = (
    "First broken: over the seeds, from the largest dose up to which all are intact to that at which all are broken. "
    "Where not all were seen to break, how many were: the rest is censored at the last dose read. "
    "Intact up to: no seed was seen to break, and all were intact there.",
    "Stability: the task with the lowest limit of the difference, defended minus undefended, with its limits.",
    "Verdict and conditions are those of the defended model, or of the one that a release gate assays.",
)
"""What the columns mean."""


def _condition(row: ComparedRow, name: str) -> str:
    cell = row.conditions.get(name)
    if cell is None:
        return ""
    if cell.holds is None:
        return cell.outcome
    limit = "" if cell.break_limit in (None, 1.0) else f", at most {100 * cell.break_limit:.0f} % break"
    return f"{cell.outcome}: {cell.holds} of {cell.replicates} hold{limit}"


def _first_broken(breaking: Sequence[BreakingDose]) -> str:
    """Of each condition the axes on which a seed broke, and after them those on which none was seen to."""
    said = []
    for condition in dict.fromkeys(one.condition for one in breaking):
        own = [one for one in breaking if one.condition == condition]
        parts = [_dose(one) for one in own if one.broken]
        if intact := [f"{one.axis} {one.low:g}" for one in own if not one.broken]:
            parts.append(f"intact up to {', '.join(intact)}")
        said.append(f"{condition}: {', '.join(parts)}")
    return "; ".join(said)


def _dose(one: BreakingDose) -> str:
    if one.high is None:
        return f"{one.axis} above {one.low:g} ({one.broken} of {one.seeds} broken)"
    if one.high == 0:
        return f"{one.axis} before any attack"
    return f"{one.axis} {one.low:g} to {one.high:g}"


def _stability(row: ComparedRow) -> str:
    cell, worst = row.conditions.get("stability"), row.stability
    if cell is None or worst is None:
        return "" if cell is None else cell.outcome
    ends = ", ".join("none" if end is None else f"{100 * end:+.1f}" for end in (worst.low, worst.high))
    return f"{cell.outcome}: {worst.task} {100 * worst.value:+.1f} points ({ends})"


def _training(row: ComparedRow) -> str:
    cell, steps = row.conditions.get("trainability"), row.training_steps
    reached = [step for step in steps if step is not None]
    said = "" if cell is None else cell.outcome
    if not steps:
        return said
    span = "target not reached" if not reached else _span(min(reached), max(reached))
    missed = f", {len(steps) - len(reached)} not reached" if 0 < len(reached) < len(steps) else ""
    return f"{said}: {span}{missed}" if said else f"{span}{missed}"


def _span(low: float, high: float) -> str:
    return f"{low:g} steps" if low == high else f"{low:g} to {high:g} steps"
