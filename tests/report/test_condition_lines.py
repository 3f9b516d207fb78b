"""The one number of a condition on the first screen."""

from __future__ import annotations

from typing import Any

from support import assays

from titer.analysis.findings import Figure, Finding
from titer.analysis.verdict import decide
from titer.report.view.condition_lines import condition_lines
from titer.report.view.said import plain


def floor(what: str, count: int, outcome: Any) -> Figure:
    return Figure(
        what=what, subject="defended", value=count / 40, count=count, of=40, outcome=outcome, note="floor 0.5"
    )


def test_of_usability_it_is_the_floor_that_came_out_worst() -> None:
    figures = (
        floor("harmless prompts answered", 39, "upheld"),
        floor("distinct answers", 12, "refuted"),
        floor("sums", 3, "undecided"),
    )
    assay = assays.assay(assays.protocol(), harm=assays.breaking())
    finding = Finding(name="usability", kind="condition", outcome="refuted", reason="", figures=figures)
    verdict = decide(assay).model_copy(update={"conditions": (finding,)})
    (line,) = condition_lines(verdict, assay)
    assert line.number is not None
    assert plain(line.number, "en") == "at worst 12 of 40: distinct answers"
    assert plain(line.number, "zh") == "最差：回答互不相同，40 中有 12"


def test_of_a_floor_that_was_not_read_there_is_none() -> None:
    figure = Figure(what="distinct answers", subject="defended", outcome="not scored", note="floor 0.5")
    assay = assays.assay(assays.protocol(), harm=assays.breaking())
    finding = Finding(name="usability", kind="condition", outcome="undecided", reason="", figures=(figure,))
    (line,) = condition_lines(decide(assay).model_copy(update={"conditions": (finding,)}), assay)
    assert line.number is None
