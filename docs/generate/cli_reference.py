"""The page of the command line, made from the Typer app: every command with its arguments, options and exit codes."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import typer

from docs.generate.tables import cell, row
from titer import cli
from titer.cli.app import app

INTRO = """# Command line

Made from the code, so it is complete. `titer COMMAND --help` prints the same. Arguments in capitals are required.
"""
WORDS = {str: "text", int: "integer", float: "number", Path: "path", bool: "flag"}


def page() -> str:
    """The whole page."""
    return (
        "\n".join([INTRO, *_exit_codes(), *(line for words, one in commands() for line in _section(words, one))]) + "\n"
    )


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, those of groups included."""
    pending: list[tuple[tuple[str, ...], Any]] = [(("titer",), typer.main.get_command(app))]
    while pending:
        words, one = pending.pop(0)
        inner = vars(one).get("commands")
        if inner is None:
            yield words, one
        else:
            pending[:0] = [((*words, name), own) for name, own in inner.items()]


def usage(words: tuple[str, ...], one: Any) -> str:
    """How a command is called, in one line."""
    arguments = [own.name.upper() for own in one.params if own.param_type_name == "argument"]
    options = ["[OPTIONS]"] if len(arguments) < len(one.params) else []
    return " ".join([*words, *arguments, *options])


def _exit_codes() -> list[str]:
    assert cli.__doc__ is not None
    what, _, rest = cli.__doc__.partition("\n\n")
    return ["## Exit codes\n", what.removeprefix("The command line. "), "", *rest.strip().splitlines(), ""]


def _section(words: tuple[str, ...], one: Any) -> Iterator[str]:
    yield f"## `{' '.join(words)}`\n"
    yield one.help + "\n"
    yield f"```text\n{usage(words, one)}\n```\n"
    if one.params:
        yield row("name", "value", "default", "meaning")
        yield row(*["---"] * 4)
        yield from (_parameter(own) for own in one.params)
        yield ""


def _parameter(own: Any) -> str:
    argument = own.param_type_name == "argument"
    name = own.name.upper() if argument else " / ".join([*own.opts, *own.secondary_opts])
    default = "required" if own.required else "" if own.default is None or own.default is False else f"`{own.default}`"
    return row(f"`{name}`", _value(own), default, cell(own.help))


def _value(own: Any) -> str:
    """What may be given: the kind of value, its range or its choices."""
    annotation = own.type_descriptor.annotation
    if typing.get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(annotation))
    inner = next(iter(typing.get_args(annotation)), annotation)
    said = WORDS[inner]
    if own.min is not None or own.max is not None:
        low, high = ("" if end is None else f"{end:,}" for end in (own.min, own.max))
        said += f", {low} to {high}" if high else f", {low} or more"
    return f"{said}, may be repeated" if isinstance(annotation, types.GenericAlias) else said
