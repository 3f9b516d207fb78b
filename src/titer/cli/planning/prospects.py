"""What `plan` says of the parts of a study: the power of each claim, and the items a dose is expected to take."""

from __future__ import annotations

import typer

from titer.analysis.power.items import ExpectedItems
from titer.analysis.power.statement import PowerStatement
from titer.cli import output

FEW_SHOW = ("intact", "few items get worse")
"""The claims that a small count shows."""


def print_prospects(prospects: tuple[PowerStatement, ...], poor: str | None) -> None:
    """Print a line for each claim with its powers under all assumptions, claims with the same figures on one line.

    Args:
        prospects: what is foreseen.
        poor: the sentence on what is foreseeably not decided.
    """
    claims: dict[tuple[str, ...], list[PowerStatement]] = {}
    for one in prospects:
        claims.setdefault((one.about, one.claim), []).append(one)
    alike: dict[tuple[str | None, ...], list[str]] = {}
    for (about, claim), under in claims.items():
        alike.setdefault((claim, *_figures(under)), []).append(about)
    names = ("if", "read_from", "power", "items_for_0.9")
    rows = [
        {"claim": f"{', '.join(abouts)}: {claim}", **dict(zip(names, figures, strict=True))}
        for (claim, *figures), abouts in alike.items()
    ]
    output.print_rows("What this study can decide", rows)
    notes = dict.fromkeys(note for one in prospects for note in one.notes)
    if notes:
        output.print_text(f"Assumed: {'; '.join(notes)}.")
        typer.echo("")
    if poor:
        output.print_text(poor)
        typer.echo("")


def print_expected(expected: tuple[ExpectedItems, ...]) -> None:
    """Print a line for each domain with the items of a dose by its harm rate, equal ones on one line."""
    alike: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for one in expected:
        figures = (("all", one.items), *((f"{rate:.2g}", round(asked)) for rate, asked in one.asked))
        alike.setdefault(figures, []).append(one.about)
    rows = [{"harm rate": ", ".join(abouts), **dict(figures)} for figures, abouts in alike.items()]
    if rows:
        output.print_rows("Items a dose is expected to take", rows)


def _figures(under: list[PowerStatement]) -> tuple[str | None, ...]:
    """What is assumed, what the claim is read from, its power and the items it needs, under each assumption."""
    first = under[0]
    assumed = [f"{one.assumed:.2g}" for one in under if one.assumed is not None]
    powers = [f"{one.power:.2f}" for one in under if one.power is not None]
    enough = [output.text(one.enough) for one in under] if any(one.enough for one in under) else []
    return (
        f"{first.assumption} {', '.join(assumed)}".strip(),
        _read_from(first),
        ", ".join(powers) or None,
        ", ".join(enough) or None,
    )


def _read_from(one: PowerStatement) -> str | None:
    """The count that shows the claim, and of how many."""
    if one.replicates is not None:
        return (
            f"{one.replicates} seeds"
            if one.cutoff is None
            else f"{one.replicates - one.cutoff} of {one.replicates} seeds"
        )
    if one.items is None or one.cutoff is None:
        return None if one.items is None else f"{one.items} items"
    looks = [f"{cutoff} of {items}" for cutoff, items in (*one.earlier, (one.cutoff, one.items))]
    return f"{'at most' if one.claim in FEW_SHOW else 'at least'} {', '.join(looks)}"
