"""`plan`: the cells, the cost, what can be decided, the overlap of the splits, and what the subject will see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from titer.analysis.expected_items import ExpectedItems, expected_items
from titer.analysis.power_analysis import foresee, undecided
from titer.analysis.power_of_gates import without_power
from titer.analysis.power_of_tasks import too_few_items
from titer.analysis.power_of_verdicts import CheapestStudies, VerdictProspect, cheapest_studies, verdict_prospects
from titer.analysis.power_statement import PowerStatement
from titer.cli import output
from titer.cli.plan_estimate import cells_by_purpose, estimate, readable
from titer.cli.plan_judges import blind_data, print_sight, sight_rows
from titer.cli.plan_prospects import print_expected, print_prospects
from titer.cli.plan_verdicts import check_rates, print_verdicts, training_in_answers
from titer.cli.progress import Watch
from titer.cli.run import look
from titer.data.splits import Overlap
from titer.errors import InputError, printable
from titer.execution.timing import measure_speed
from titer.planning.blind_judges import blindnesses
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.machine import Shortage, measure_machine, shortages
from titer.planning.notices import notices
from titer.planning.plan import Planner
from titer.planning.preview import Preview, preview
from titer.study.folder import Study
from titer.tuning.cost import tuning_work

MOST_EXPENSIVE = 1_000_000_000
"""The highest price of an hour, in any currency."""


def print_plan(
    where: Path,
    out: Path | None,
    store: Path | None,
    jobs: int,
    examples: int,
    measure: bool,
    price: float | None,
    rates: Sequence[float],
    json: bool,
) -> None:
    """Print what a study will do, what it will cost at a price of an hour, and what it can decide.

    Args:
        where: a study folder, or a protocol file.
        out: the study folder for a protocol file.
        store: where its store is, if not in the study folder.
        jobs: worker processes.
        examples: how many examples of training and probing are shown; 0 for none.
        measure: whether this machine is timed first.
        price: of an hour.
        rates: harm rates at which the chances of the verdict are said, besides those around the threshold.
        json: whether one JSON document is printed.

    Raises:
        InputError: if the price is none of an hour, or a rate is none.
    """
    if price is not None and not 0 <= price <= MOST_EXPENSIVE:
        raise InputError("--price", f"{price:g} is no price of an hour", f"Give one from 0 to {MOST_EXPENSIVE:,}.")
    at = check_rates(rates)
    study = look(where, out, store)
    if measure:
        with Watch("timing training steps and answers"):
            measure_speed(study)
    found = _foreseen(study, jobs, price, at)
    shown = _show(study, examples) if examples else None
    if json:
        output.print_json(_data_of(found) | (_as_data(shown) if shown else {}))
    else:
        _print_tables(found)
        if shown:
            _print_examples(shown)


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """All that is known of a study before it runs, but for the tokens that its subject will see."""

    rows: list[dict[str, Any]]
    facts: dict[str, Any]
    shortages: tuple[Shortage, ...]
    prospects: tuple[PowerStatement, ...]
    verdicts: tuple[VerdictProspect, ...]
    cheapest: tuple[CheapestStudies, ...]
    undecided: str | None
    without_power: str | None
    too_few_items: tuple[str, ...]
    expected: tuple[ExpectedItems, ...]
    overlaps: tuple[Overlap, ...]
    notices: tuple[str, ...]
    seen_harm: list[dict[str, Any]]
    blind: list[dict[str, Any]]


def _foreseen(study: Study, jobs: int, price: float | None, rates: tuple[float, ...]) -> Foreseen:
    protocol = study.protocol
    planner = Planner(study)
    cells, outlook = planner.plan().cells, Outlook(planner, jobs)
    machine = measure_machine(study.store.root, study.frozen.compute.device)
    prospects, verdicts = foresee(protocol), verdict_prospects(protocol, rates)
    return Foreseen(
        rows=cells_by_purpose(cells),
        facts=estimate(outlook, machine, len(cells), price, tuning_work(study)),
        shortages=shortages(outlook, machine),
        prospects=prospects,
        verdicts=verdicts,
        cheapest=cheapest_studies(protocol, rates, training_in_answers(outlook)),
        undecided=undecided(prospects, verdicts),
        without_power=without_power(protocol),
        too_few_items=too_few_items(protocol),
        expected=expected_items(protocol),
        overlaps=study.frozen.overlaps,
        notices=notices(study),
        seen_harm=sight_rows(study),
        blind=blind_data(study, blindnesses(study)),
    )


def _data_of(found: Foreseen) -> dict[str, Any]:
    return found.facts | {
        "cells_by_purpose": found.rows,
        "prospects": [one.to_data() for one in found.prospects],
        "foreseeably_undecided": found.undecided,
        "foreseeably_without_power": found.without_power,
        "too_few_items": list(found.too_few_items),
        "verdicts": [one.to_data() for one in found.verdicts],
        "cheapest_studies": [one.to_data() for one in found.cheapest],
        "expected_items": [one.to_data() for one in found.expected],
        "shortages": [one.to_data() for one in found.shortages],
        "overlaps": [one.to_data() for one in found.overlaps],
        "notices": list(found.notices),
        "seen_harm": found.seen_harm,
        "blind_judges": found.blind,
    }


def _print_tables(found: Foreseen) -> None:
    rows = [row | {"doses": " ".join(str(dose) for dose in row["doses"])} for row in found.rows]
    output.print_rows("Cells", rows)
    output.print_facts("Estimate of what is to be done", readable(found.facts))
    for one in found.shortages:
        output.print_text(str(one))
        typer.echo("")
    print_sight(found.seen_harm, found.blind)
    print_prospects(found.prospects, found.undecided)
    print_verdicts(found.verdicts, found.cheapest)
    if found.without_power:
        output.print_text(found.without_power)
        typer.echo("")
    for notice in (*found.too_few_items, *found.notices):
        output.print_text(notice)
        typer.echo("")
    print_expected(found.expected)
    _print_overlaps(found.overlaps)


def _print_overlaps(overlaps: tuple[Overlap, ...]) -> None:
    if not overlaps:
        typer.echo("Overlap audit: no row is in two splits, exactly or nearly.")
        return
    rows = [{"split": o.first, "other_split": o.second, "exact": o.exact, "near": o.near} for o in overlaps]
    output.print_rows("Overlap audit: rows in two splits", rows)


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
            console.print(Text(printable(example.place), style="cyan"))
            text = Text()
            for piece, counted in ((_harmless(piece), counted) for piece, counted in example.pieces):
                text.append(f"[{piece}]" if counted and not marked else piece, style="reverse" if counted else "")
            console.print(text)


def _harmless(piece: str) -> str:
    """A piece of a text as it is, but for signs that steer a terminal."""
    return "\n".join(map(printable, piece.split("\n")))
