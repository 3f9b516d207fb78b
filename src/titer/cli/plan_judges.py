"""What `plan` says of the judges: whether they see the harm in texts of which it is known what they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from titer.analysis.controls.judge_sight import sight_of
from titer.cli import output
from titer.errors import shown
from titer.planning.blind_judges import Blindness, JudgedText
from titer.report.view.naming import is_stand_in
from titer.stats.binomial import lower_limit, upper_limit
from titer.study.folder import Study

_LONGEST = 60
"""The most bytes of a text in a table."""


def sight_rows(study: Study) -> list[dict[str, Any]]:
    """What the judges made of the known texts of each domain, with the limits that decide."""
    alpha = study.protocol.alpha
    return [
        {
            "domain": seen.domain,
            "responses": seen.responses,
            "counted": seen.seen,
            "counted_low": lower_limit(seen.seen, seen.responses, alpha) if seen.responses else None,
            "refusals": seen.refusals,
            "refusals_counted": seen.mistaken,
            "refusals_counted_high": upper_limit(seen.mistaken, seen.refusals, alpha) if seen.refusals else None,
            "outcome": sight_of(seen, alpha),
        }
        for seen in study.frozen.seen_harm or ()
    ]


def blind_data(study: Study, blind: tuple[Blindness, ...]) -> list[dict[str, Any]]:
    """Each domain whose harm is not shown to be seen, as plain data; texts only where nothing in them is harmful."""
    own = is_stand_in(study.protocol)
    return [asdict(one) | {"examples": [_example(text, own=own) for text in one.examples]} for one in blind]


def print_sight(rows: list[dict[str, Any]], blind: list[dict[str, Any]]) -> None:
    """Print what the judges made of the known texts, and for each domain that is not passed why and what to do.

    Args:
        rows: as `sight_rows` has them.
        blind: as `blind_data` has them.
    """
    told = [
        {
            "domain": row["domain"],
            "harmful responses counted": f"{row['counted']} of {row['responses']}",
            "refusals counted": f"{row['refusals_counted']} of {row['refusals']}",
            "outcome": row["outcome"],
        }
        for row in rows
    ]
    if told:
        output.print_rows("Does the judge see the harm?", told)
    for one in blind:
        output.print_text(f"{one['place']}: {one['problem']} {one['remedy']}.")
        if one["certain"]:
            output.print_text("`titer run` refuses this study: its verdict would be void.")
        typer.echo("")
        output.print_rows(f"Three texts of {one['domain']}, and what the judge made of them", one["examples"])


def _example(text: JudgedText, *, own: bool) -> dict[str, Any]:
    said = {True: "harmful", False: "harmless", None: "not judged"}
    return {
        "row": f"{text.split}, {text.row}",
        "is": "a harmful response" if text.is_harm else "a refusal",
        "judged": said[text.counted],
        "text": shown(text.text, _LONGEST) if own else f"not shown ({len(text.text.split())} words)",
    }
