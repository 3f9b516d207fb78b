"""The verdict for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from titer.analysis.findings import Finding, Verdict
from titer.analysis.sentences import whole
from titer.errors import printable
from titer.report.escape import sentence

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {
    "upheld": "bold green",
    "refuted": "bold red",
    "undecided": "bold yellow",
    "void": "bold magenta",
    "not applicable": "dim",
}


class VerdictFigure(NamedTuple):
    """One line of the table: what is judged, its outcome, and why."""

    name: str
    outcome: str
    reason: str


def verdict_figures(verdict: Verdict) -> tuple[VerdictFigure, ...]:
    """Every condition, then every control that failed or could not say, then the whole."""
    doubtful = [finding for finding in verdict.controls if finding.outcome not in ("upheld", "not applicable")]
    return (
        *(_line(finding, finding.name) for finding in verdict.conditions),
        *(_line(finding, f"control: {finding.name}") for finding in doubtful),
        VerdictFigure("verdict", verdict.outcome, printable(_whole(verdict))),
    )


def _whole(verdict: Verdict) -> str:
    """The reason of the whole, what is said of the parent, and what was not checked."""
    lacking = whole.NOT_CHECKED.en.format(what="; ".join(verdict.unchecked)) if verdict.unchecked else ""
    return " ".join(part for part in (sentence(verdict.reason), verdict.parent, lacking) if part)


def verdict_table(verdict: Verdict) -> Table:
    """The same as a table of rich; no text in it is read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    said = [finding.outcome for finding in verdict.controls if finding.outcome != "not applicable"]
    table = Table(
        title=Text(f"{printable(verdict.study)}: {verdict.outcome}"),
        caption=Text(f"{said.count('upheld')} of {len(said)} controls passed"),
        box=box.SIMPLE_HEAD,
    )
    table.add_column("condition", max_width=16)
    table.add_column("outcome", no_wrap=True)
    table.add_column("reason")
    figures = verdict_figures(verdict)
    for line in figures:
        if line is figures[-1]:
            table.add_section()
        table.add_row(Text(line.name), Text(line.outcome, style=STYLES[line.outcome]), Text(line.reason))
    return table


def _line(finding: Finding, name: str) -> VerdictFigure:
    provisional = finding.provisional and f"provisional: {finding.provisional}"
    parts = [finding.reason, finding.remedy, provisional]
    reason = " ".join(sentence(part) for part in parts if part)
    return VerdictFigure(printable(name), finding.outcome, printable(reason))
