"""The verdict for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from titer.analysis.findings import Finding, Verdict
from titer.report.escape import printable, sentence

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {
    "upheld": "bold green",
    "refuted": "bold red",
    "undecided": "bold yellow",
    "void": "bold magenta",
    "not applicable": "dim",
}


class VerdictLine(NamedTuple):
    """One line of the table: what is judged, its word, and why."""

    name: str
    word: str
    because: str


def verdict_lines(verdict: Verdict) -> tuple[VerdictLine, ...]:
    """Every condition, then every control that failed or could not say, then the whole."""
    doubtful = [finding for finding in verdict.controls if finding.word not in ("upheld", "not applicable")]
    return (
        *(_line(finding, finding.name) for finding in verdict.conditions),
        *(_line(finding, f"control: {finding.name}") for finding in doubtful),
        VerdictLine("verdict", verdict.word, printable(sentence(verdict.because))),
    )


def verdict_table(verdict: Verdict) -> Table:
    """The same as a table of rich; no text in it is read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    said = [finding.word for finding in verdict.controls if finding.word != "not applicable"]
    table = Table(
        title=Text(f"{printable(verdict.study)}: {verdict.word}"),
        caption=Text(f"{said.count('upheld')} of {len(said)} controls passed"),
        box=box.SIMPLE_HEAD,
    )
    table.add_column("condition", max_width=16)
    table.add_column("word", no_wrap=True)
    table.add_column("because")
    lines = verdict_lines(verdict)
    for line in lines:
        if line is lines[-1]:
            table.add_section()
        table.add_row(Text(line.name), Text(line.word, style=STYLES[line.word]), Text(line.because))
    return table


def _line(finding: Finding, name: str) -> VerdictLine:
    provisional = finding.provisional and f"provisional: {finding.provisional}"
    parts = [finding.because, finding.remedy, provisional]
    because = " ".join(sentence(part) for part in parts if part)
    return VerdictLine(printable(name), finding.word, printable(because))
