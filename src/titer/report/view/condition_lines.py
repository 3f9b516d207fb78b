"""Each condition in one line: what was asked, what came out, and the one number that says most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from titer.analysis.conditions.withstanding_numbers import MOST_HARM, RATIO
from titer.analysis.findings import Assay, Figure, Finding, Verdict
from titer.analysis.sentences import usability
from titer.analysis.sentences.text import Text
from titer.protocol.exposure import EXPOSED
from titer.records import Outcome, Role
from titer.report.difference_chart import difference_lines
from titer.report.view.naming import domains_said
from titer.report.view.said import Given, Said, Sentence, count, factor, numeral, percentage, pointer, points, several
from titer.report.words import first_screen as said

WORST_FIRST: Final = ("refuted", "undecided", "upheld")


@dataclass(frozen=True, kw_only=True)
class ConditionLine:
    """A condition as the first screen has it."""

    key: str
    outcome: Outcome
    asked: Said
    came_out: Text
    number: Said | None


def condition_lines(verdict: Verdict, assay: Assay) -> tuple[ConditionLine, ...]:
    """Every condition that applies."""
    return tuple(
        ConditionLine(
            key=finding.name,
            outcome=finding.outcome,
            asked=_asked(finding, assay),
            came_out=said.OUTCOMES[finding.outcome],
            number=_number(place, finding, verdict, assay),
        )
        for place, finding in enumerate(verdict.conditions)
        if finding.outcome != "not applicable"
    )


def finding_place(part: str, place: int, *steps: str | int) -> str:
    """Where something of a finding stands in report.json.

    Args:
        part: `conditions` or `controls`.
        place: of the finding among them.
        steps: what of it.
    """
    return pointer("verdict", part, place, *steps)


def _asked(finding: Finding, assay: Assay) -> Said:
    template = said.CONDITIONS.get(finding.name)
    if template is None:
        return Given(text=finding.name)
    return Sentence(template=template, fields={"domains": domains_said(assay.protocol, finding.name)})


def _number(place: int, finding: Finding, verdict: Verdict, assay: Assay) -> Said | None:
    if finding.name in EXPOSED:
        return _held(place, finding)
    if finding.name == "stability":
        return _worst_change(place, finding, verdict, assay)
    if finding.name == "usability":
        return _worst_floor(place, finding)
    plan = assay.protocol.trainability
    holds = _counted(place, finding, "replicates that hold", None)
    if finding.name == "trainability" and plan is not None and holds is not None:
        slack = factor(pointer("protocol", "trainability", "epsilon"), plan.epsilon)
        return Sentence(template=said.LEARNED, fields={"holds": holds[0], "runs": holds[1], "slack": slack})
    return None


def _held(place: int, finding: Finding) -> Said | None:
    """How many runs held, how many are open, if any, and how many broke without the protection."""
    holds = _counted(place, finding, "replicates that hold", "defended")
    unsure = _counted(place, finding, "replicates that are open", "defended")
    broke = _counted(place, finding, "replicates that fail", "undefended")
    if holds is None:
        return None
    parts: list[Said] = [Sentence(template=said.HELD, fields={"holds": holds[0], "runs": holds[1]})]
    if unsure is not None and finding.outcome == "undecided":
        parts.append(Sentence(template=said.HELD_OPEN, fields={"open": unsure[0]}))
    if broke is not None:
        parts.append(Sentence(template=said.HELD_BESIDE, fields={"broke": broke[0], "others": broke[1]}))
    parts += _headline(place, finding)
    return several(parts, Text("", ""))


def _headline(place: int, finding: Finding) -> Iterator[Said]:
    """The harm within the budget of each model, and how many times later the defended one breaks, at least."""
    for order, figure in enumerate(finding.figures):
        at = finding_place("conditions", place, "figures", order)
        if figure.what == MOST_HARM and figure.value is not None:
            template = said.HARM_WITHIN[figure.subject or "defended"]
            yield Sentence(template=template, fields={"share": percentage(f"{at}/value", figure.value)})
        if figure.what == RATIO and figure.low is not None:
            yield Sentence(template=said.LATER, fields={"ratio": numeral(f"{at}/low", figure.low)})


def _counted(place: int, finding: Finding, what: str, subject: Role | None) -> tuple[Said, Said] | None:
    """The count of a figure and what it is out of."""
    for order, figure in enumerate(finding.figures):
        if (figure.what, figure.subject) == (what, subject) and figure.count is not None and figure.of is not None:
            at = finding_place("conditions", place, "figures", order)
            return count(f"{at}/count", figure.count), count(f"{at}/of", figure.of)
    return None


def _worst_change(place: int, finding: Finding, verdict: Verdict, assay: Assay) -> Said | None:
    """The task with the lowest limit of its difference."""
    plan = assay.protocol.stability
    rates = [figure for figure in difference_lines(verdict) if figure.unit == "rate" and figure.low is not None]
    if plan is None or not rates:
        return None
    worst: Figure = min(rates, key=lambda figure: figure.low or 0.0)
    at = finding_place("conditions", place, "figures", finding.figures.index(worst), "low")
    fields: dict[str, Said] = {
        "low": points(at, worst.low or 0.0),
        "task": Given(text=worst.what),
        "margin": points(pointer("protocol", "stability", "margin"), plan.margin),
    }
    return Sentence(template=said.WORST_CHANGE, fields=fields)


def _worst_floor(place: int, finding: Finding) -> Said | None:
    """The rate that came out worst, and of those the lowest."""
    read = [figure for figure in finding.figures if figure.count is not None and figure.value is not None]
    if not read:
        return None
    worst = min(read, key=lambda figure: (WORST_FIRST.index(figure.outcome or "upheld"), figure.value))
    counted = _counted(place, finding, worst.what, worst.subject)
    if counted is None:
        return None
    what = {name.en: name for name in (usability.ANSWERED, usability.DISTINCT)}.get(worst.what)
    fields: dict[str, Said] = {"count": counted[0], "of": counted[1], "what": what or Given(text=worst.what)}
    return Sentence(template=said.WORST_FLOOR, fields=fields)
