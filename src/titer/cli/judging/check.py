"""`judges check`: the confusion table of a judge. Texts are shown only where they are titer's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from titer.cli import output
from titer.cli.judging.choice import judge_choice
from titer.cli.progress import Watch
from titer.errors import shown
from titer.execution.judge_check import CHECK_SET, LABEL_OF, Confusion, Judged, check_judge_on, read_labeled
from titer.methods import registry
from titer.records import Compute

_LONGEST = 48
"""The most bytes of a text in a table."""


def print_check(name: str, data: Path | None, json: bool) -> None:
    """Hold a judge against texts with labels, and print what it calls them.

    Args:
        name: the judge, with its parameters.
        data: the texts; None for those of titer.
        json: whether one JSON document is printed.
    """
    choice = judge_choice(name, "JUDGE")
    judge = registry.judge(choice, "JUDGE")
    texts = read_labeled(data or CHECK_SET, judge)
    with Watch("judging"):
        found = check_judge_on(judge, texts, Compute())
    of = "titer's texts" if data is None else str(data)
    rows = [_wrong(one, with_text=data is None) for one in found.wrong]
    if json:
        facts = {"judge": choice.to_data(), "label": LABEL_OF[judge.kind], "data": of, "texts": len(texts)}
        output.print_json(facts | found.counts | {"agreement": _agreement(found), "wrong": rows})
        return
    counts = {**found.counts, **{key: _limits(value) for key, value in _agreement(found).items()}}
    label = LABEL_OF[judge.kind]
    output.print_facts(f"{choice.label} beside the label '{label}', on {len(texts)} of {of}", counts)
    if rows:
        output.print_rows("Called the opposite of their label", [_short(row) for row in rows])


def _agreement(found: Confusion) -> dict[str, dict[str, float | int]]:
    """Of what judge or label calls 1, how much both do, with limits of the share; and of what either calls 0."""
    counts, own = found.agreement.counts, found.agreement
    halves = {"agreement_on_1": (counts.both, own.positive), "agreement_on_0": (counts.neither, own.negative)}
    return {
        what: {"both": both, "either": both + counts.differing, "low": limits.low, "high": limits.high}
        for what, (both, limits) in halves.items()
    }


def _limits(half: dict[str, float | int]) -> str:
    return f"{half['both']} of {half['either']} (limits {half['low']:.3f} and {half['high']:.3f}, each at 95 %)"


def _wrong(one: Judged, *, with_text: bool) -> dict[str, Any]:
    text = one.text
    row = {"row": text.row, "label": int(text.label), "judge": int(bool(one.called)), "why": text.why}
    return row | ({"text": text.answer} if with_text else {})


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {key: shown(value, _LONGEST) if isinstance(value, str) else value for key, value in row.items()}
