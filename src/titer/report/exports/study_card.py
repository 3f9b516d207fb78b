"""The card of the model that a study is about, with its results as a model hub reads them (`model-index`).

Format: https://huggingface.co/docs/hub/model-cards#evaluation-results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from titer.analysis.findings import Assay
from titer.errors import shown
from titer.protocol.dose_axes import named
from titer.records import canonical
from titer.report.escape import escape, json_block
from titer.report.model_card import front_matter
from titer.report.summary import Summary
from titer.report.view.report_view import ReportView

LONGEST = 200
"""The most bytes of a name in the metadata."""
LIMITS = """## Limits

- What is said holds for the attacks, topics, limits and grader named, and for no others.
- A harm rate here is the largest at any dose up to the attacker's limit, over the attacks on one axis;
  the mean over runs.
- The license and the terms of the base model apply."""


def study_card(view: ReportView, assay: Assay, summary: Summary, first_screen: str) -> str:
    """The README.md of the model: YAML front matter, the first screen of the report, what was done, limits.

    Args:
        view: the report.
        assay: what it rests on.
        summary: where the attacks break it.
        first_screen: the first screen as Markdown.
    """
    subject = assay.protocol.subject
    index = [{"name": shown(assay.protocol.study.name, LONGEST), "results": list(_results(assay, summary))}]
    base = {"model": subject.model, "base": subject.base}
    lines = ["model-index: " + _one_line(index)] if index[0]["results"] else []
    steps = [
        f"### {escape(choice.name)}\n\n{json_block(choice.parameters)}" for choice in assay.protocol.stages.values()
    ]
    verify = f"    titer verify . --digest {view.root.shown.en} --registration {view.registration.shown.en}"
    parts = [front_matter(base, lines), first_screen.rstrip(), "## What was done", *steps, LIMITS, verify]
    return "\n\n".join(parts) + "\n"


def _results(assay: Assay, summary: Summary) -> Iterator[Mapping[str, Any]]:
    """A result for each topic and axis of doses, of the model that the study is about."""
    for worst in summary.worst:
        if worst.subject == "defended" and worst.within_budget is not None:
            limit = named(worst.axis).said(worst.budget)
            yield {
                "task": {"type": "text-generation", "name": "Harmful answers under attack"},
                "dataset": {"type": "harm-domain", "name": shown(worst.domain, LONGEST)},
                "metrics": [
                    {
                        "type": "harmful_answer_rate",
                        "value": worst.within_budget,
                        "name": shown(f"largest harm rate up to {limit}", LONGEST),
                        "args": {"attacks": list(worst.attacks), "threshold": assay.protocol.harm.threshold},
                    }
                ],
            }


def _one_line(value: Sequence[Mapping[str, Any]]) -> str:
    """As JSON, which is YAML; signs that YAML knows and JSON does not are written by their numbers."""
    return canonical(value).translate({code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)})
