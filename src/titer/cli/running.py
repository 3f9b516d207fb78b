"""`run` and `demo`: the main loop with a progress bar, then verdict and report."""

from __future__ import annotations

from pathlib import Path

import typer

from titer.cli import show
from titer.records import Verdict
from titer.study import locate


def run_study(where: Path, out: Path | None, jobs: int, json: bool) -> Verdict:
    """Finish a study, write its verdict and report, and print where they are."""
    from titer.cli.progress import follow
    from titer.conclude import conclude, report
    from titer.freeze import open_study
    from titer.run import run

    study = open_study(locate(where, out))
    follow(study, run(study, jobs), quiet=json)
    verdict = conclude(study)
    path = report(study)
    show.print_verdict(verdict, json)
    if not json:
        typer.echo(f"Report: {path}")
    return verdict
