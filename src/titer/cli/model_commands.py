"""The commands about one model of a protocol: make it, or attack it. Heavy imports are made inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from titer.cli.options import Jobs, Json, Out, StorePlace, Where
from titer.cli.output import DAMAGED
from titer.cli.progress import Watch


def immunize(
    where: Where,
    folder: Annotated[Path, typer.Argument(help="The folder to write the defended model to.")],
    out: Out = None,
    store: StorePlace = None,
    jobs: Jobs = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Give a damaged model the name FOLDER all the same; the exit code stays 6.")
    ] = False,
) -> None:
    """Make the protocol's defended model, read what it costs, and write it as a Hugging Face folder with a model card.

    Both models are asked the protocol's `select` rows. A damaged model goes to FOLDER-damaged, with exit code 6.
    """
    with Watch("starting"):
        from titer.cli.immunize import write_immunized

    if write_immunized(where, folder, out, store, jobs, keep):
        raise typer.Exit(DAMAGED)


def attack(
    where: Where,
    subject: Annotated[
        Literal["undefended", "defended"] | None,
        typer.Option(help="Which model; by default the undefended one, or the only one."),
    ] = None,
    name: Annotated[str | None, typer.Option("--attack", help="Its name; the protocol's first by default.")] = None,
    domain: Annotated[str | None, typer.Option(help="The harm domain; the first by default.")] = None,
    index: Annotated[int | None, typer.Option(help="The seed index; the first by default.")] = None,
    out: Out = None,
    store: StorePlace = None,
    json: Json = False,
) -> None:
    """Run one attack of a protocol and print its curve: harm at each dose."""
    with Watch("starting"):
        from titer.cli.attack import print_attack

    print_attack(where, out, store, subject, name, domain, index, json)


def tune(
    protocol: Annotated[Path, typer.Argument(help="A protocol file with a table `tuning`.")],
    folder: Annotated[Path, typer.Argument(help="The folder for the trials and the tuned protocol.")],
    store: StorePlace = None,
    jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Search the parameters of a protocol's defense against a cheap attacker, and write the protocol of the best."""
    with Watch("starting"):
        from titer.cli.tune import tune_defense

    tune_defense(protocol, folder, store, jobs, json)
