"""How a command comes to its study; `run` and `demo`: the main loop with a progress bar, then verdict and report."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from titer.analysis.findings import Verdict
from titer.cli import output
from titer.cli.progress import Watch, follow
from titer.conclude import conclude, report
from titer.data.contamination import check_disjoint
from titer.errors import RunError
from titer.execution.executors import executor
from titer.execution.local import LocalPool
from titer.planning.blind_judges import check_sight
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.machine import measure_machine, shortages
from titer.planning.freeze import begin_study, draft_study
from titer.planning.plan import Planner
from titer.run import run
from titer.study.folder import Study, locate
from titer.study.root import read_root


def look(where: Path, out: Path | None, store: Path | None) -> Study:
    """The study that `where` names, as it would be run; one that has not begun may still be changed afterwards."""
    folder = locate(where, out)
    with Watch("reading protocol, data and model"):
        return draft_study(folder, store)


def begin(where: Path, out: Path | None, store: Path | None = None) -> Study:
    """The same, and from now on its protocol must not change.

    Args:
        where: a study folder, or a protocol file.
        out: the study folder for a protocol file.
        store: where its store is, if not in the study folder.

    Raises:
        InputError: if its splits share rows, or its judges do not see the harm: its verdict would be void.
        BusyError: if it has not begun, and another process runs or begins it.
    """
    study = look(where, out, store)
    check_disjoint(study.frozen.overlaps)
    check_sight(study)
    return begin_study(study)


def run_study(
    where: Path, out: Path | None, store: Path | None, jobs: int, json: bool, place: str = LocalPool.name
) -> Verdict:
    """Finish a study, write its verdict and report, and print where they are.

    Args:
        where: a study folder, or a protocol file.
        out: the study folder for a protocol file.
        store: where its store is, if not in the study folder.
        jobs: how many tasks are done at once.
        json: whether JSON is printed.
        place: the name of the executor.

    Raises:
        RunError: if this machine has not what the study takes for certain; its protocol may then still be changed.
    """
    chosen = executor(place, "--executor")
    study = look(where, out, store)
    check_disjoint(study.frozen.overlaps)
    check_sight(study)
    check_room(study, jobs, own_memory=chosen is LocalPool)
    study = begin_study(study)
    root = read_root(study.folder)
    if not root.is_sealed and not json:
        typer.echo(f"Registered as {root.registration}")
    with closing(run(study, jobs, executor=chosen)) as steps:
        follow(steps, jobs)
    with Watch("writing the report"):
        conclusion = conclude(study)
        path = report(conclusion)[0]
    output.print_verdict(conclusion, json)
    for again in conclusion.root.sealed_again:
        output.say(f"titer: {again.line}.", err=True)
    if not json:
        output.say(f"Report: {path}")
    return conclusion.verdict


def check_room(study: Study, jobs: int, own_memory: bool) -> None:
    """Refuse what cannot fit in this machine, and warn of what may not; of its memory only where that does the work."""
    machine = measure_machine(study.store.root, study.frozen.compute.device)
    found = [one for one in shortages(Outlook(Planner(study), jobs), machine) if own_memory or one.what == "disk"]
    if certain := " ".join(str(one) for one in found if one.certain):
        raise RunError(certain)
    for one in found:
        output.say(f"titer: {one}", err=True)
