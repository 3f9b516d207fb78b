"""`list`: the methods there are, with their parameters and where they come from."""

from __future__ import annotations

import inspect
from typing import Any

from titer.cli import output
from titer.execution.executors import EXECUTORS
from titer.methods.base import Attack, Method
from titer.methods.published_checkpoints import PublishedCheckpoint, published
from titer.methods.registry import CATALOGS
from titer.protocol import presets
from titer.records import canonical


def print_methods(kind: str, json: bool) -> None:
    """Print every method of one kind."""
    catalog = CATALOGS[kind]
    methods = [(catalog.find(name, kind), catalog.origin(name)) for name in catalog.names]
    if json:
        output.print_json([_data(method, origin) for method, origin in methods])
        return
    output.print_rows(kind.capitalize(), [_row(method, origin) for method, origin in methods])


def print_executors(json: bool) -> None:
    """Print every place where tasks can be done."""
    found = [EXECUTORS.find(name, "executors") for name in EXECUTORS.names]
    rows = [{"name": own.name, "from": EXECUTORS.origin(own.name), "what": _what(own)} for own in found]
    if json:
        output.print_json(rows)
        return
    output.print_rows("Executors", rows)


def print_presets(json: bool) -> None:
    """Print every attacker that a protocol can name, and what running it takes."""
    rows = [_preset(name) for name in presets.names()]
    if json:
        output.print_json(rows)
        return
    output.print_rows("Presets", rows)


def print_checkpoints(json: bool) -> None:
    """Print the defended models that others released, and what was read of each; a protocol names them by `model`."""
    if json:
        output.print_json([checkpoint.to_data() for checkpoint in published()])
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
        "what": _what(method),
        "required": [key for key, field in fields.items() if field.is_required()],
        "defaults": {key: _default(field.default) for key, field in fields.items() if not field.is_required()},
        "space": {key: values.to_data() for key, values in method.space().items()},
        **({"against": list(method.defeats)} if issubclass(method, Attack) else {}),
    }


def _row(method: type[Method], origin: str) -> dict[str, str]:
    """As one would write it in a protocol: `lr = 0.0001`, required parameters first and without a value."""
    data = _data(method, origin)
    given = [f"{key} = {_short(value)}" for key, value in data["defaults"].items() if value is not None]
    optional = [f"{key} (none)" for key, value in data["defaults"].items() if value is None]
    known = f" Knows the objective of {', '.join(data['against'])}." if data.get("against") else ""
    return {
        "name": method.name,
        "from": origin,
        "what": _what(method) + known,
        "parameters": ", ".join([*data["required"], *given, *optional]),
    }


def _what(method: type) -> str:
    """The first paragraph of the method's documentation."""
    return " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())


def _default(value: object) -> Any:
    """A default as plain data."""
    from titer.records import Record, tupled

    return value.to_data() if isinstance(value, Record) else tupled(value)


def _short(value: Any) -> str:
    """A part with a kind of its own is named by it."""
    return canonical(value["kind"] if isinstance(value, dict) and "kind" in value else value)
