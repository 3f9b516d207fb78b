"""Pages of attacks, defenses, probes and judges, made from the registry: what each is, its source, its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from itertools import chain

from docs.generate.outside import DOCS
from docs.generate.parameters import described, own_parameters, parameter_table, text_of, tried
from titer.methods.base import Attack, Method
from titer.methods.fine_tuning import FineTuning
from titer.methods.measurement import Judge
from titer.methods.registry import CATALOGS
from titer.records import Kind
from titer.training.recipe import Training

INTROS = {
    "attacks": """Ways to make a model harmful, each dosed on an axis of its own. A study runs those that its protocol
names under [`[[attacker.attack]]`](../protocol.md), or those of a [preset](../../choosing.md).""",
    "defenses": """Ways to change a model before its release so that attacks cost more. A protocol names them under
`[[defense]]`, and as steps of [`[[subject.prepare]]`](../protocol.md).""",
    "probes": "Ways to ask a model. A probe never grades.",
    "judges": "Readers of answers, with a score for each. What they call texts with labels: [judges](../../judges.md).",
}
DEVIATIONS = "How each differs from its source: [methods](../../methods.md). In a terminal: `titer list {}`.\n"
READS: dict[Kind, str] = {
    "harm": "harm",
    "refusal": "refusals",
    "coherence": "coherence",
    "correct": "whether an answer is right",
    "loss": "a loss",
    "fingerprint": "which answers are the same",
}
TRAINS = "Besides: [what every training has](training.md).\n"


def page(of: str) -> str:
    """The page of one kind of method."""
    sections = chain.from_iterable(map(partial(_section, of), CATALOGS[of].own.values()))
    return "\n".join([f"# {of.capitalize()}\n", INTROS[of] + "\n", DEVIATIONS.format(of), *sections])


def _section(of: str, method: type[Method]) -> Iterator[str]:
    yield f"## `{method.name}`\n"
    yield described(method)
    facts = [*_facts(method), *(f"source: {text}" for text in [_sources(of).get(method.name)] if text)]
    yield "".join(f"- {fact[0].upper()}{fact[1:]}.\n" for fact in facts)
    yield from parameter_table(own_parameters(method), text_of(method))
    if issubclass(method, Training):
        yield TRAINS
    yield from _searched(method)


def _searched(method: type[Method]) -> Iterator[str]:
    """What a search tries of it; what it tries of every fine-tuning is on another page."""
    common = FineTuning.space() if issubclass(method, FineTuning) else {}
    own = {name: values for name, values in method.space().items() if values != common.get(name)}
    parts = ["what it tries of [every fine-tuning](training.md#search)"] if common else []
    parts += [tried(own)] if own else []
    if parts:
        yield f"A search tries {', and '.join(parts)}.\n"


def _facts(method: type[Method]) -> Iterator[str]:
    if issubclass(method, Attack):
        yield f"dosed in `{method.axis.name}`: {method.axis.unit}"
        if method.family:
            yield f"family: {method.family}"
        if method.trains:
            yield "its sham is the same training on harmless rows"
        if method.defeats:
            yield f"knows the objective of {', '.join(f'`{name}`' for name in method.defeats)}"
    if issubclass(method, Judge):
        yield f"reads {READS[method.kind]}"
        if method.against_reference:
            yield "compares an answer with the reference of its item"
        if method.whole_dose:
            yield "reads all answers of a dose together"


@cache
def _sources(of: str) -> Mapping[str, str]:
    """By method the source that the page on methods names; nothing for kinds whose table has no such column."""
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    (section,) = (part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(of.capitalize()))
    if "| name | source |" not in section:
        return {}
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, flags=re.MULTILINE)
    return {name: source.strip() for name, source in rows if source.strip()}
