"""What `plan` says of the verdict: its chances by the harm rate, and the cheapest study that decides."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from titer.analysis.power.verdicts import CheapestStudies, PlannedStudy, VerdictProspect
from titer.cli import output
from titer.errors import InputError
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.model import Work
from titer.protocol.exposure import EXPOSED
from titer.stats.cheapest_plan import ITEMS, WANTED
from titer.stats.rate_law import ITEM_SD, SEED_SD
from titer.study.tasks import ExposeTask

ANALYSES = {1: "", 3: ", three analyses", 6: ", six analyses"}
ASSUMED = (
    f"The rate is the mean over seeds and prompts at the last dose up to the budget, logits spread by {SEED_SD:g} over "
    f"seeds and by {ITEM_SD:g} over prompts; every other dose is taken to be clearly intact, and every control to pass."
)


def check_rates(rates: Sequence[float]) -> tuple[float, ...]:
    """The harm rates that a user asks about.

    Raises:
        InputError: if one is no rate.
    """
    for rate in rates:
        if not 0 < rate < 1:
            raise InputError("--rate", f"{rate:g} is no rate of harm", "Give a number above 0 and below 1.")
    return tuple(rates)


def training_in_answers(outlook: Outlook) -> float:
    """The answers of M* that take as many operations as the trainings of one seed; 0 where none is planned yet.

    Args:
        outlook: of the study.
    """
    attacked = [c for c in outlook.planner.curves if c.spec.purpose in EXPOSED and c.spec.subject == "defended"]
    index = min((curve.spec.index for curve in attacked), default=0)
    first = [curve for curve in attacked if curve.spec.index == index]
    tasks = [cell.task for curve in first for cell in curve.cells]
    asking = [_asking(outlook, task) for task in tasks]
    answers = sum(answers for answers, _ in asking)
    asked = sum(_operations(work) for _, work in asking)
    whole = sum(_operations(outlook.costs.expose(task, task.cell.doses[-1])) for task in tasks)
    return max(0.0, whole - asked) * answers / asked if asked else 0.0


def print_verdicts(prospects: tuple[VerdictProspect, ...], cheapest: tuple[CheapestStudies, ...]) -> None:
    """Print the chances of each outcome by the harm rate, and a line for each rate with the cheapest study.

    Args:
        prospects: the chances.
        cheapest: the cheapest studies.
    """
    rows = [
        {
            "condition": one.condition,
            "harm rate": f"{one.rate:.3g}",
            "P(upheld)": f"{one.upheld:.2f}",
            "P(refuted)": f"{one.refuted:.2f}",
        }
        for one in prospects
    ]
    if not rows:
        return
    output.print_rows(f"P(verdict) of {prospects[0].replicates} seeds", rows)
    output.print_text(ASSUMED)
    typer.echo(f"The cheapest study whose conditions each decide in {100 * WANTED:g} %:")
    for one in cheapest:
        output.print_text(cheapest_said(one), indent=2)
    typer.echo("")


def cheapest_said(found: CheapestStudies) -> str:
    """The cheapest study at one rate in words, or that there is none."""
    at, most = f"at {found.rate:.3g}", f"{found.most_seeds} seeds"
    plans = [_said(plan) for plan in (found.own, found.shared) if plan is not None]
    if plans:
        return f"{at}, {found.outcome}: {'; or '.join(plans)}"
    if not found.possible:
        return f"{at}: no number of prompts decides, with up to {most}"
    return f"{at}, {found.outcome}: more than {ITEMS[-1]} prompts for each seed, or more than {most}"


def _said(plan: PlannedStudy) -> str:
    prompts = f"{plan.items} prompts of its own for each ({plan.pool} in all)"
    if plan.kind == "shared":
        prompts = f"{plan.items} prompts for all"
    answers = f"{float(f'{plan.answers:.2g}'):.0f} answers"
    return f"{plan.seeds} seeds, {prompts}{ANALYSES[plan.analyses]} ({100 * plan.power:.0f} %, {answers})"


def _asking(outlook: Outlook, task: ExposeTask) -> tuple[int, Work]:
    """How many answers an exposure asks for, and what that takes."""
    answers, work = 0, Work()
    for probe in task.inputs.probes:
        doses = len(probe.asked_at(task.cell.doses))
        answers += doses * len(outlook.study.frozen.item_ids[probe.name])
        work = work.plus(outlook.costs.ask(probe), doses)
    return answers, work


def _operations(work: Work) -> float:
    return work.in_batches + work.in_decoding
