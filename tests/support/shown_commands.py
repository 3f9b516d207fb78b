"""The commands of titer that a document shows, and whether the command line would take them."""

from __future__ import annotations

import re
import shlex

import typer

from titer.cli.app import app

END_OF_COMMAND = frozenset({"&&", "||", "|", ";", ">", ">>", "&", "2>"})


def shown_commands(text: str) -> list[list[str]]:
    """The arguments of every `titer` command in the console and bash blocks of a Markdown text."""
    blocks = re.findall(r"^```(console|bash|sh)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for language, block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if language == "console" and not line.startswith("$ "):
                continue  # what a command prints
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["titer"]:
                end = next((place for place, word in enumerate(words) if word in END_OF_COMMAND), len(words))
                found.append(words[1:end])
    return found


def parse(arguments: list[str]) -> str:
    """The command of a command line, parsed without being run; raises what the command line would print."""
    group = typer.main.get_command(app)
    with group.make_context("titer", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
        with command.make_context(name, rest, parent=context):
            return str(name)
