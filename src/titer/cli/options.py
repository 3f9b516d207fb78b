"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Where = Annotated[Path, typer.Argument(help="A study folder, or a protocol file (its study goes to --out).")]
Out = Annotated[Path | None, typer.Option(help="The study folder for a protocol file; default titer-NAME.")]
StorePlace = Annotated[
    Path | None,
    typer.Option("--store", help="The absolute path of a store outside the study folder, said in each command."),
]
Jobs = Annotated[int, typer.Option(min=1, max=1_024, help="Worker processes.")]
FinishedStudy = Annotated[Path, typer.Argument(help="A finished study folder, a packed one, or one of its tables.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
