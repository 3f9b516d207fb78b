"""`run` and `demo`: the main loop with a progress bar, then verdict and report."""

from __future__ import annotations

from pathlib import Path

import typer

from titer.analysis.findings import Verdict
from titer.cli import output
from titer.cli.open_study import begin
from titer.cli.progress import Watch, follow
from titer.conclude import conclude, report
from titer.planning.cost.estimate import Outlook
from titer.run import run


def run_study(where: Path, out: Path | None, jobs: int, json: bool) -> Verdict:
    """Finish a study, write its verdict and report, and print where they are."""
    study = begin(where, out)
    follow(run(study, jobs), Outlook(study, jobs))
    with Watch("writing the report"):
        verdict = conclude(study)
        path = report(study)
    output.print_verdict(verdict, json)
    if not json:
        typer.echo(f"Report: {path}")
    return verdict
