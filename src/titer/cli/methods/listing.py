"""`list`: the methods there are, with their parameters and where they come from."""

from __future__ import annotations

from typing import Any

from titer.cli import output
from titer.cli.methods.described import family_said, first_sentence, paragraphs, plain
from titer.cli.methods.show import print_method
from titer.execution.executors import EXECUTORS
from titer.methods.base import Attack, Method
from titer.methods.published_checkpoints import PublishedCheckpoint, published
from titer.methods.registry import CATALOGS
from titer.protocol import presets


def print_methods(kind: str, json: bool, verbose: bool) -> None:
    """Print every method of one kind: a line each, or all that is known of it.

    Args:
        kind: in the plural, as `attacks`.
        json: whether one JSON document is printed.
        verbose: whether all is printed.
    """
    catalog = CATALOGS[kind]
    methods = [(catalog.find(name, kind), catalog.origin(name)) for name in catalog.names]
    if json:
        output.print_json([_data(method, origin) for method, origin in methods])
    elif verbose:
        for method, origin in methods:
            print_method(method, origin)
    else:
        title = f"{len(methods)} {kind}; `titer show {kind[:-1]} NAME` has the rest"
        output.print_lines(title, [_line(method, origin) for method, origin in methods])


def print_executors(json: bool) -> None:
    """Print every place where tasks can be done."""
    found = [EXECUTORS.find(name, "executors") for name in EXECUTORS.names]
    rows = [{"name": own.name, "from": EXECUTORS.origin(own.name), "what": what(own)} for own in found]
    if json:
        output.print_json(rows)
        return
    output.print_lines("Executors", rows)


def print_presets(json: bool) -> None:
    """Print every attacker that a protocol can name, and what running it takes."""
    rows = [_preset(name) for name in presets.names()]
    if json:
        output.print_json(rows)
        return
    for row in rows:
        output.print_facts(row["name"], {key: value for key, value in row.items() if key != "name"})


def print_checkpoints(json: bool, verbose: bool) -> None:
    """Print the defended models that others released, and what was read of each; a protocol names them by `model`."""
    if json:
        output.print_json([checkpoint.to_data() for checkpoint in published()])
        return
    if verbose:
        for known in published():
            facts = {key: _read(own) for key, own in known.to_data().items() if (key, own) != ("note", None)}
            output.print_facts(facts.pop("model"), facts)
        return
    groups: dict[str, list[dict[str, str]]] = {}
    for known in published():
        groups.setdefault(_group(known), []).append(_checkpoint(known))
    for title, rows in groups.items():
        output.print_rows(title, rows)


def _group(known: PublishedCheckpoint) -> str:
    """The parent, and what its checkpoint should keep: its refusals, or its lack of some knowledge."""
    access = {True: " (gated)", False: " (open)", None: ""}[known.gated]
    return f"Of {known.parent}{access}: {', '.join(known.guards)}"


def _read(value: Any) -> str:
    """A fact that was read of a checkpoint, or that it was not."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value or "not read")


def _checkpoint(known: PublishedCheckpoint) -> dict[str, str]:
    return {"model": known.model, "method": known.method, "license": known.license or "not read"}


def _preset(name: str) -> dict[str, str]:
    """How many curves a replicate has in each domain; on the defended subject also the winners on the undefended."""
    found = presets.read(name)
    attacks = found["attack"]
    searched = sum("search" in attack for attack in attacks)
    trials = f"{searched * found['search']['trials']} on each subject" if searched else "none"
    return {
        "name": name,
        "what": found["what"],
        "families": ", ".join(dict.fromkeys(attack["name"] for attack in attacks)),
        "trials": trials,
        "curves": f"{len(attacks)} undefended and {len(attacks) + searched} defended for each domain and seed",
    }


def _data(method: type[Method], origin: str) -> dict[str, Any]:
    fields = method.model_fields
    return {
        "name": method.name,
        "from": origin,
        "version": method.version,
        "what": what(method),
        "required": [key for key, field in fields.items() if field.is_required()],
        "defaults": {key: plain(field.default) for key, field in fields.items() if not field.is_required()},
        "space": {key: values.to_data() for key, values in method.space().items()},
        **({"against": list(method.defeats)} if issubclass(method, Attack) else {}),
    }


def _line(method: type[Method], origin: str) -> dict[str, str]:
    """A method in a line; where it comes from is said of other packages only."""
    line = {"name": method.name}
    if issubclass(method, Attack):
        line |= {"family": family_said(method, origin), "dose": method.axis.name}
    elsewhere = "" if origin == "titer" else f"[{origin}] "
    return line | {"what": elsewhere + first_sentence(method)}


def what(method: type) -> str:
    """The first paragraph of the method's documentation."""
    return next(iter(paragraphs(method)), "")
