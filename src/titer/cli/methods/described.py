"""A method as people ask about it: what it does, its parameters with their meaning, what it must be given."""

from __future__ import annotations

import inspect
import re
from abc import ABC
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from titer.cli.methods.parameter_types import type_said
from titer.methods.base import Attack, Method
from titer.methods.measurement import Judge
from titer.methods.requires import Requires
from titer.records import Record, canonical, tupled

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"(])")
_NO_TEXT = (">>>", "Args:", "Attributes:")
NOT_SAID = "not described; see docs/methods.md"
SHARED = {
    "train_steps": "optimizer steps of the defense's training",
    "batch": "rows that go through the model at once",
    "benign_share": "share of the rows of a step that are benign",
    "beta": "how sharply preferences are told apart: the factor before a log-ratio",
    "examples": "rows of each kind that are read, at most",
    "inner_batch": "rows of a step of the simulated attack",
    "inner_lr": "learning rate of the simulated attack",
    "inner_lrs": "learning rates of the simulated attack, of which each attack draws one",
    "inner_optimizer": "optimizer of the simulated attack",
    "attacks_per_step": "attacks that are simulated in each step",
    "pilot_lr": "learning rate of the pilot training",
    "opening": "words that the answer is made to begin with",
    "transform": "how the prompts of training and of asking are rewritten",
    "safe_dist_p": "distance of a safe state from what it was: its length, or one minus the cosine",
    "safe_dist_n": "distance of a safe state from the mean unsafe one",
    "unsafe_dist_p": "distance of an unsafe state from the mean unsafe one",
    "unsafe_dist_n": "distance of an unsafe state from what it was",
    "objective": "what is raised in the simulated attacks: the entropy of answers, or how much refusals are preferred",
    "representation_scale": "factor of the distance from the hidden states before the training",
    "prune": "share of the blocks, from the last, that give no direction",
    "source": "where the words come from: a fixed opening, or the reference of the item",
    "prompts": "prompts of each kind that are read, at most",
    **{
        f"{component}_{part}": f"{said} of the kernel of what ends the {where}"
        for component, where in (("attention", "attention"), ("mlp", "feed-forward part"))
        for part, said in (
            ("peak", "largest strength"),
            ("position", "place in depth, as a share,"),
            ("floor", "strength at the edge, as a share of the peak,"),
            ("width", "reach in depth, as a share,"),
        )
    },
    "betas": "how slowly the means of the gradient and of its square forget",
    "eps": "what is added where a step is divided by the root of a mean, against division by 0",
    "weight_decay": "how strongly weights are drawn towards 0",
    "momentum": "share of the step before that is added to a step",
    "nesterov": "whether the gradient is taken where the momentum leads",
    "revision": "the commit of the model, where it comes from a hub",
    "trust_remote_code": "the names of the code that the model may bring along; false for none",
}
"""What parameters of several methods mean, where these leave it unsaid."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a method, as a protocol writes it."""

    name: str
    type: str
    default: str | None
    meaning: str


def paragraphs(method: type) -> tuple[str, ...]:
    """What a class says of itself, paragraph by paragraph, each on one line, without parameters and examples."""
    parts = (inspect.getdoc(method) or "").split("\n\n")
    return tuple(" ".join(part.split()) for part in parts if part and not part.lstrip().startswith(_NO_TEXT))


def first_sentence(method: type) -> str:
    """The first sentence of what a class says of itself."""
    first = paragraphs(method)[:1]
    return _SENTENCE.split(first[0])[0] if first else ""


def plain(value: object) -> Any:
    """A default as plain data."""
    return value.to_data() if isinstance(value, Record) else tupled(value)


def short(value: Any) -> str:
    """A default as one would write it in a protocol; a part, and a method with its defaults, are named alone.

    >>> short({"name": "refusal", "parameters": {}}), short({"kind": "lora", "rank": 8})
    ('"refusal"', '"lora"')
    """
    if value is None:
        return "none"
    if isinstance(value, dict) and not value.get("parameters"):
        value = value.get("kind") or value.get("name") or value
    return canonical(value)


def parameters(method: type[Record]) -> tuple[Parameter, ...]:
    """Every parameter of a method, or of a part of a training, the required ones first."""
    schema = method.model_json_schema()
    found = [
        Parameter(
            name=name,
            type=type_said(schema["properties"][name], schema.get("$defs", {})),
            default=None if field.is_required() else short(plain(field.default)),
            meaning=field.description or _meaning(method, name),
        )
        for name, field in method.model_fields.items()
    ]
    return tuple(sorted(found, key=lambda one: one.default is not None))


def _meaning(method: type[Record], name: str) -> str:
    """What a method, or the nearest that it is built on, says of one of its parameters: a line, or a sentence."""
    bases = [base for base in method.__mro__ if base not in (Method, Record, *Record.__mro__, ABC)]
    for base in bases:
        line = re.search(rf"^    {name}: (.+(?:\n {{8}}.+)*)", inspect.getdoc(base) or "", flags=re.MULTILINE)
        if line:
            return " ".join(line[1].split())
        if found := _sentence(base, rf"`{name}`"):
            return found
    word, formula = rf"\b{name}\b", first_sentence(method)
    if "·" in formula and re.search(word, formula):
        return formula
    return SHARED.get(name) or _sentence(method, word) or NOT_SAID


def _sentence(method: type, pattern: str) -> str | None:
    """The first sentence of what a class says of itself in which a pattern is found."""
    sentences = (one for said in paragraphs(method) for one in _SENTENCE.split(said))
    return next((one for one in sentences if re.search(pattern, one)), None)


def facts(method: type[Method], origin: str) -> dict[str, str]:
    """What is known of a method beside its text and its parameters.

    Args:
        method: its class.
        origin: the package that it comes from.
    """
    found = {"from": origin, "version": str(method.version)}
    if issubclass(method, Attack):
        found |= {"family": family_said(method, origin), "dose": method.axis.unit}
        found |= {"knows": ", ".join(method.defeats)} if method.defeats else {}
    if issubclass(method, Judge):
        found["reads"] = method.kind
    required = [parameter.name for parameter in parameters(method) if parameter.default is None]
    needs = "depends on its parameters" if required else requirements(method().requires)
    return found | {"needs": needs} | _searched(method.space())


def family_said(attack: type[Attack], origin: str) -> str:
    """The family of an attack; titer's own without one are controls.

    Args:
        attack: its class.
        origin: the package that it comes from.
    """
    return attack.family or ("a control" if origin == "titer" else "of no known family")


def requirements(found: Requires) -> str:
    """What a method must be given, in words."""
    return "; ".join(_needs(found)) or "nothing but the model"


def _needs(found: Requires) -> Iterator[str]:
    for need, fewest in found.rows.items():
        yield f"{need.value} ({fewest} or more)" if fewest > 1 else need.value if fewest else f"{need.value}, if any"
    if found.parent != "unused":
        yield f"the model before the defense{'' if found.parent == 'needed' else ', where there is one'}"
    if found.judges:
        yield f"judges that reward it: {', '.join(judge.label for judge in found.judges)}"
    if found.exemplars:
        yield "harmful pairs that stand before each prompt"


def _searched(space: Mapping[str, object]) -> dict[str, str]:
    return {"can be searched": ", ".join(space)} if space else {}
