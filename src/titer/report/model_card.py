"""The model card of an immunized model: what was done, what that does not promise, how to measure it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from titer.analysis.made_model import MadeModel
from titer.records import canonical
from titer.report.escape import escape, json_block, table
from titer.report.made_model import made_section
from titer.study.tasks import MakeTask, RowsRef

TAGS = ("titer", "harmful-fine-tuning", "immunization")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?<!\.gguf)")
"""A GGUF file is none, though the machine that reports may not have it."""


@dataclass(frozen=True, kw_only=True)
class MakeCost:
    """What a make was and took: counted from the plan, and on the machine that did it.

    Attributes:
        method: its name, version and every parameter; None where it is a copy without change.
        tokens: put through the model.
        operations: in floating point.
        seconds: of one worker, from the step `since` on; None where another machine did it.
        since: the step at which the work went on that had been interrupted; 0 from its beginning.
        peak_bytes: the most memory of that worker; None where another machine did it.
    """

    method: Mapping[str, Any] | None
    tokens: float
    operations: float
    seconds: float | None = None
    since: int = 0
    peak_bytes: int | None = None


def model_card(
    name: str, makes: Sequence[MakeTask], costs: Sequence[MakeCost], made: MadeModel, measured: str | None
) -> str:
    """The README.md of a Hugging Face model folder: YAML front matter, then Markdown; every parameter of each method.

    Args:
        name: title of the card.
        makes: the makes that led to the model, first to last, at least one; the first one's parent is the base model.
        costs: what each of them took.
        made: what was read of the model beside the undefended one.
        measured: the verdict of a finished study on the model, as Markdown under a heading; None where there is none.
    """
    base = makes[0].parent.source or {}
    limits = "\n".join([LIMITS_HEAD, UNMEASURED if measured is None else MEASURED, LIMITS])
    parts = [
        front_matter(base),
        f"# {escape(name)}",
        _what(base, makes, costs),
        made_section(made),
        measured or "",
        limits,
        MEASURE,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


UNMEASURED = """- The defense raises the cost of some attacks at best. Nothing here says how much: no attack is
  part of this card. A claim needs a study whose threshold, budget, attacks and harm domains are written down first."""
MEASURED = (
    "- The defense raises the cost of some attacks at best. What was measured stands above; nothing else is claimed."
)
LIMITS_HEAD = "## Limits\n"
LIMITS = """- A resistance that was measured holds for the attacks, domains, budget and judge of that study, and for no
  others. Harm domains whose data the defense never saw are not covered unless they were measured.
- The defense may have cost the model more ability than few `select` rows show, or ease of benign fine-tuning:
  measure both.
- The license and the terms of the base model apply."""

MEASURE = """## How to measure it

`titer init` writes a protocol to begin with. Name the base model as subject and this model as its defense:

```toml
[subject]
model = "BASE MODEL"

[[defense]]
name = "checkpoint"
model = "FOLDER OR HUB ID OF THIS MODEL"
```

Then `titer plan protocol.toml` shows what will be run, `titer run protocol.toml` runs it, and
`titer verdict STUDY` says for each condition (resistance, stability, generalization, trainability) whether it
is upheld, refuted, undecided or void."""


def front_matter(base: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """The YAML on top. The base model is named where it is a hub id; a folder of that name comes first, as in loading.

    Args:
        base: where the base model is from.
        more: further lines.
    """
    names = [str(base[key]) for key in ("model", "base") if base.get(key) is not None]
    ids = [name for name in names if _HUB_ID.fullmatch(name) and not Path(name).exists()]
    listed = ["base_model:", *(f"- {canonical(name)}" for name in ids)] if ids else []
    fields = [*listed, "library_name: transformers", "pipeline_tag: text-generation", "tags:"]
    return "\n".join(["---", *fields, *(f"- {tag}" for tag in TAGS), *more, "---"])


def _what(base: Mapping[str, Any], makes: Sequence[MakeTask], costs: Sequence[MakeCost]) -> str:
    intro = "This model was made by titer from a base model, so that harmful fine-tuning costs more."
    facts = [(key, value) for key, value in sorted(base.items()) if value is not None]
    rows = [(escape(what), escape(str(value))) for what, value in [*facts, ("digest", makes[0].parent.key)]]
    steps = [_step(number, *step) for number, step in enumerate(zip(makes, costs, strict=True), start=1)]
    return "\n\n".join(["## What was done", intro, table(["base model", ""], rows), *steps])


def _roles(make: MakeTask) -> Sequence[tuple[str, Sequence[RowsRef]]]:
    fed = make.material
    return (("taught", fed.train), ("harmful", fed.harmful), ("benign", fed.benign))


def _took(cost: MakeCost) -> Sequence[tuple[str, str]]:
    since = f", from step {cost.since} on" if cost.since else ""
    here = [] if cost.seconds is None else [("time", f"{cost.seconds:,.0f} s of one worker{since}")]
    peak = [] if cost.peak_bytes is None else [("memory at most", f"{cost.peak_bytes / 2**20:,.0f} MiB")]
    counted = [("tokens through the model", f"{cost.tokens:,.0f}"), ("operations", f"{cost.operations:.2g}")]
    return (*counted, *here, *peak)


def _step(number: int, make: MakeTask, cost: MakeCost) -> str:
    method = make.defense.name if make.defense else "a copy without change"
    data = [
        (f"{role} rows", rows.digest if rows.draw is None else f"{rows.draw} drawn from {rows.digest}")
        for role, given in _roles(make)
        for rows in given
    ]
    compute = [(key, str(value)) for key, value in sorted(make.compute.to_data().items())]
    facts = [
        ("seed", f"{make.seed.purpose}, index {make.seed.index}"),
        *data,
        *([("aligned from", make.material.parent.key)] if make.material.parent else []),
        *compute,
        *_took(cost),
        ("key of the result", make.key),
    ]
    parts = [
        f"### Step {number}: {escape(method)} ({escape(make.role)})",
        json_block(cost.method) if cost.method else "",
        table(["what", "value"], [(escape(what), escape(value)) for what, value in facts]),
    ]
    return "\n\n".join(part for part in parts if part)
