"""Conditions and controls with the numbers that they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from titer.analysis.findings import Figure, Finding, Verdict
from titer.analysis.sentences.text import Text
from titer.protocol.schema import Protocol
from titer.records import Outcome, Role
from titer.report.view.condition_lines import finding_place
from titer.report.view.naming import dose_said, series_names
from titer.report.view.said import Fact, Given, Said, Sentence, count, numeral, quoted, verbatim
from titer.report.view.tables import Marked, TableCell, TableView, Tone, table_view
from titer.report.words import first_screen, names, sections

TONES: Final[Mapping[Outcome, Tone]] = {
    "upheld": "good",
    "refuted": "bad",
    "void": "open",
    "undecided": "open",
    "not applicable": "quiet",
}
"""Of conditions: one without a result is open. A control that is void has failed."""
FIGURE_HEAD: Final = (
    sections.WHAT, sections.LINE, sections.VALUE, sections.LIMITS, sections.UNIT, sections.COUNT, sections.OUTCOME,
    sections.NOTE,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ConditionView:
    """A condition: what may be quoted, why, what to do, and its main figures."""

    key: str
    name: Said
    asked: Said | None
    outcome: Outcome
    tone: Tone
    came_out: Text
    quote: Fact | None
    reason: Fact
    remedy: Fact | None
    provisional: Fact | None
    figures: TableView | None


def condition_views(verdict: Verdict, protocol: Protocol, asked: Mapping[str, Said]) -> tuple[ConditionView, ...]:
    """Every condition, those that do not apply too.

    Args:
        verdict: what was concluded.
        protocol: the study.
        asked: what each condition asks, in plain words.
    """
    found = []
    for place, finding in enumerate(verdict.conditions):
        texts = {
            what: quoted(finding_place("conditions", place, what), english, chinese)
            for what, english, chinese in (
                ("sentence", finding.sentence, finding.sentence_zh),
                ("remedy", finding.remedy, finding.remedy_zh),
                ("provisional", finding.provisional, finding.provisional_zh),
            )
            if english
        }
        found.append(
            ConditionView(
                key=finding.name,
                name=names.CONDITIONS.get(finding.name, Given(text=finding.name)),
                asked=asked.get(finding.name),
                outcome=finding.outcome,
                tone=TONES[finding.outcome],
                came_out=first_screen.OUTCOMES[finding.outcome],
                quote=texts.get("sentence"),
                reason=quoted(finding_place("conditions", place, "reason"), finding.reason, finding.reason_zh),
                remedy=texts.get("remedy"),
                provisional=texts.get("provisional"),
                figures=_main(place, finding, protocol),
            )
        )
    return tuple(found)


def control_table(verdict: Verdict) -> TableView:
    """Every control with its outcome, reason and remedy."""
    width = 4 if any(finding.remedy for finding in verdict.controls) else 3
    rows = [_control(place, finding)[:width] for place, finding in enumerate(verdict.controls)]
    head = (sections.CONTROL, sections.OUTCOME, sections.REASON, sections.REMEDY)[:width]
    return table_view(sections.CONTROLS_HEAD, head, rows)


def figure_tables(verdict: Verdict, protocol: Protocol) -> Iterator[tuple[Said, TableView]]:
    """Every figure of every finding, with the name of the finding: the ledger."""
    for part, findings in (("conditions", verdict.conditions), ("controls", verdict.controls)):
        for place, finding in enumerate(findings):
            rows = [
                _row(finding_place(part, place, "figures", order), figure, Given(text=figure.what), protocol)
                for order, figure in enumerate(finding.figures)
            ]
            if rows:
                name = names.CONDITIONS.get(finding.name) or names.CONTROLS.get(finding.name)
                title = Sentence(template=sections.FIGURES_HEAD, fields={"name": name or Given(text=finding.name)})
                yield title, table_view(sections.LEDGER_INTRO, FIGURE_HEAD, rows, (2, 3, 5))


def _control(place: int, finding: Finding) -> tuple[TableCell, ...]:
    def told(what: str, english: str | None, chinese: str | None) -> Fact | None:
        return quoted(finding_place("controls", place, what), english, chinese) if english else None

    tone: Tone = "bad" if finding.outcome == "void" else TONES[finding.outcome]
    return (
        names.CONTROLS.get(finding.name, Given(text=finding.name)),
        Marked(said=names.CONTROL_OUTCOMES[finding.outcome], tone=tone),
        told("reason", finding.reason, finding.reason_zh),
        told("remedy", finding.remedy, finding.remedy_zh),
    )


def _main(place: int, finding: Finding, protocol: Protocol) -> TableView | None:
    """The figures that a reader of the statement wants, one row each: those that have a plain name."""
    named = sections.TRAININGS if finding.name == "trainability" else sections.FIGURES
    rows: dict[tuple[str, str], dict[Role | None, Said | None]] = {}
    for order, figure in enumerate(finding.figures):
        if figure.what in named:
            at = finding_place("conditions", place, "figures", order)
            rows.setdefault((figure.what, figure.unit), {})[figure.subject] = _value(at, figure)
    called = names.CONDITIONS.get(finding.name) or Text(finding.name, finding.name)
    if not rows:
        return None
    if finding.name == "trainability":
        single = [(named[what], cells.get(None)) for (what, _), cells in rows.items()]
        return table_view(called, (sections.WHAT, sections.COUNT), single)
    lines = series_names(protocol)
    both = [
        (named[what], cells.get("undefended"), cells.get("defended", cells.get(None)))
        for (what, _), cells in rows.items()
        if any(cells.values())
    ]
    return table_view(called, (sections.WHAT, lines["undefended"], lines["defended"]), both)


def breaks_said(place: str, figure: Figure) -> Said:
    """At which dose a titer says that a model breaks.

    Args:
        place: of the figure in report.json.
        figure: the titer, which has a lower limit.
    """
    low = count(f"{place}/low", int(figure.low or 0))
    if figure.high is None:
        return Sentence(template=sections.BREAKS_BEYOND, fields={"low": dose_said(figure.unit, low)})
    if figure.high == 0:
        return sections.BREAKS_AT_ONCE
    high = dose_said(figure.unit, count(f"{place}/high", int(figure.high)))
    return Sentence(template=sections.BREAKS_BETWEEN, fields={"low": low, "high": high})


def _value(place: str, figure: Figure) -> Said | None:
    """A count, or an interval in its own unit."""
    if figure.count is not None:
        return _counted(place, figure)
    titer = figure.what == "titer" and figure.low is not None
    return breaks_said(place, figure) if titer else _limits(place, figure)


def _row(place: str, figure: Figure, what: Said, protocol: Protocol) -> tuple[TableCell, ...]:
    return (
        what,
        series_names(protocol)[figure.subject] if figure.subject else None,
        None if figure.value is None else numeral(f"{place}/value", figure.value),
        _limits(place, figure),
        verbatim(f"{place}/unit", figure.unit) if figure.unit else None,
        _counted(place, figure),
        verbatim(f"{place}/outcome", figure.outcome) if figure.outcome else None,
        verbatim(f"{place}/note", figure.note) if figure.note else None,
    )


def _limits(place: str, figure: Figure) -> Said | None:
    low = None if figure.low is None else numeral(f"{place}/low", figure.low)
    high = None if figure.high is None else numeral(f"{place}/high", figure.high)
    if low is not None and high is not None:
        if figure.low == figure.high:
            return low
        return Sentence(template=sections.BETWEEN, fields={"low": low, "high": high})
    if low is not None:
        return Sentence(template=sections.FROM, fields={"low": low})
    return None if high is None else Sentence(template=sections.UP_TO, fields={"high": high})


def _counted(place: str, figure: Figure) -> Said | None:
    if figure.count is None:
        return None
    counted = count(f"{place}/count", figure.count)
    if figure.of is None:
        return counted
    return Sentence(template=sections.OF, fields={"count": counted, "all": count(f"{place}/of", figure.of)})
