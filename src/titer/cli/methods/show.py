"""`show`: all that is known of one method."""

from __future__ import annotations

from dataclasses import asdict

import typer

from titer.cli import output
from titer.cli.methods.described import facts, paragraphs, parameters
from titer.methods.base import Method
from titer.methods.registry import CATALOGS

OF_KIND = {"attack": "attacks", "defense": "defenses", "probe": "probes", "judge": "judges"}


def show_method(kind: str, name: str, json: bool) -> None:
    """Print what a method does, what it is made of, and each of its parameters.

    Args:
        kind: in the singular, as `attack`.
        name: the method's.
        json: whether one JSON document is printed.

    Raises:
        InputError: if there is none of that name.
    """
    catalog = CATALOGS[OF_KIND[kind]]
    method, origin = catalog.find(name, "NAME"), catalog.origin(name)
    if not json:
        print_method(method, origin)
        return
    rows = [asdict(parameter) for parameter in parameters(method)]
    output.print_json(
        {
            "name": name,
            "kind": kind,
            "text": list(paragraphs(method)),
            "facts": facts(method, origin),
            "parameters": rows,
        }
    )


def print_method(method: type[Method], origin: str) -> None:
    """Print one method for people.

    Args:
        method: its class.
        origin: the package that it comes from.
    """
    output.print_text(method.name)
    for paragraph in paragraphs(method):
        output.print_text(paragraph, indent=2)
        typer.echo("")
    output.print_facts("", facts(method, origin))
    for parameter in parameters(method):
        given = "required" if parameter.default is None else f"default {parameter.default}"
        output.print_text(f"{parameter.name}: {parameter.type}; {given}", indent=2)
        output.print_text(parameter.meaning, indent=6)
    typer.echo("")
