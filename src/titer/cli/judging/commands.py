"""`judges`: what is done with a judge alone, without a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from titer.cli.progress import Watch

judges_app = typer.Typer(no_args_is_help=True, help="Look at a judge by itself: hold it against texts with labels.")


@judges_app.callback()
def _judges() -> None:
    """Keeps `check` a command of its own."""


@judges_app.command()
def check(
    judge: Annotated[str, typer.Argument(help="A judge's name, or NAME:{json} with its parameters.")],
    data: Annotated[
        Path | None,
        typer.Option(help="CSV or JSONL with prompt, reference, answer, harm (1 or 0), why; else titer's own texts."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print the confusion table of a judge, and the texts that it calls the opposite of their label."""
    with Watch("starting"):
        from titer.cli.judging.check import print_check

    print_check(judge, data, json)
