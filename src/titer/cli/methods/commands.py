"""The commands about methods: list them, or show one. Heavy imports are made inside."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from titer.cli.options import Json


def list_methods(
    kind: Annotated[
        Literal["attacks", "defenses", "probes", "judges", "executors", "presets", "checkpoints"],
        typer.Argument(help="Which kind."),
    ],
    verbose: Annotated[bool, typer.Option("--verbose", help="All that is known of each method or checkpoint.")] = False,
    json: Json = False,
) -> None:
    """List attacks, defenses, probes, judges or executors, other packages' included, in a line each.

    Or the attackers known by name (presets), or the defended models that others released (checkpoints).
    """
    from titer.cli.methods.listing import print_checkpoints, print_executors, print_methods, print_presets

    if kind == "presets":
        print_presets(json)
    elif kind == "checkpoints":
        print_checkpoints(json, verbose)
    elif kind == "executors":
        print_executors(json)
    else:
        print_methods(kind, json, verbose)


def show(
    kind: Annotated[Literal["attack", "defense", "probe", "judge"], typer.Argument(help="Which kind.")],
    name: Annotated[str, typer.Argument(help="Its name, as `titer list` has it.")],
    json: Json = False,
) -> None:
    """Show one method: what it does and where it comes from, its parameters and their meaning, what it needs."""
    from titer.cli.methods.show import show_method

    show_method(kind, name, json)
