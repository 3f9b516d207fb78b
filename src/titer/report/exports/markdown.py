"""The report as Markdown: the first screen of the page, then its sections. Every number in full is in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from titer.report.escape import escape, table
from titer.report.view.findings import ConditionView
from titer.report.view.report_view import ReportView
from titer.report.view.said import Fact, Given, Language, Said, atoms, in_language
from titer.report.view.tables import Marked, TableView
from titer.report.words import first_screen as first
from titer.report.words import sections

Say = Callable[[Said | None], str]


def render_markdown(view: ReportView, lang: Language, charts: Mapping[str, str]) -> str:
    """The whole report.

    Args:
        view: what it shows.
        lang: its language.
        charts: file name of each chart's SVG by its name, beside the report.
    """
    say = _sayer(lang)
    parts = [
        *_first(view, say, charts),
        *_conditions(view, say),
        *_overviews(view, say, charts),
        *_checks(view, say),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_first_screen(view: ReportView, lang: Language, level: int = 1) -> str:
    """The first screen alone, without its picture.

    Args:
        view: the report.
        lang: its language.
        level: of its heading, for a document that has one above.
    """
    return "\n\n".join(part for part in _first(view, _sayer(lang), {}, level) if part) + "\n"


def _first(view: ReportView, say: Say, charts: Mapping[str, str], level: int = 1) -> Iterator[str]:
    screen, above = view.first, "#" * level
    yield f"{above} {say(view.title)}"
    yield f"**{say(first.QUESTION_HEAD)}.** {say(screen.question)}"
    yield f"**{say(first.ANSWER_HEAD)}.** {say(screen.answer)}"
    if screen.remarks:
        yield f"**{say(first.REMARKS_HEAD)}.** " + " ".join(say(one) for one in screen.remarks)
    yield say(screen.stand_in)
    yield _image(charts, "harm", say(first.PICTURE_HEAD))
    rows = [[say(line.asked), say(line.came_out), say(line.number)] for line in (*screen.conditions, screen.checks)]
    yield table([say(first.CONDITIONS_HEAD), say(sections.OUTCOME), say(sections.COUNT)], rows)
    for head, listed in (
        (first.UNTESTED_HEAD, screen.untested),
        (first.DOUBT_HEAD, screen.doubts),
        (first.NEXT_HEAD, screen.steps),
    ):
        yield f"{above}# {say(head)}"
        yield "\n".join(f"- {say(one)}" for one in listed)


def _conditions(view: ReportView, say: Say) -> Iterator[str]:
    yield f"## {say(sections.CONDITIONS_HEAD)}"
    yield say(sections.CONDITIONS_INTRO)
    yield " ".join(say(part) for part in view.whole)
    for condition in view.conditions:
        yield from _condition(condition, say)


def _condition(condition: ConditionView, say: Say) -> Iterator[str]:
    yield f"### {say(condition.name)}: {say(condition.came_out)}"
    yield f"> {say(condition.quote)}" if condition.quote else ""
    for head, said in (
        (sections.REASON, condition.reason),
        (sections.PROVISIONAL, condition.provisional),
        (sections.REMEDY, condition.remedy),
    ):
        yield f"{say(head)}: {say(said)}" if said is not None else ""
    yield _table(condition.figures, say) if condition.figures else ""


def _overviews(view: ReportView, say: Say, charts: Mapping[str, str]) -> Iterator[str]:
    yield f"## {say(sections.MATRIX_HEAD)}"
    yield say(sections.MATRIX_INTRO)
    for title, one in view.matrix:
        yield f"### {say(title)}"
        yield _table(one, say)
    if view.worst:
        yield f"## {say(sections.WORST_HEAD)}"
        yield say(sections.WORST_INTRO)
    for worst in view.worst:
        yield f"### {say(worst.title)}"
        yield _table(worst.table, say)
    for head, tables, chart in (
        (sections.STABILITY_HEAD, [forest.table for forest in view.forests], "stability"),
        (sections.TRAINABILITY_HEAD, [], "trainability"),
        (sections.SEARCH_HEAD, [], "searches"),
    ):
        if chart in charts:
            yield f"## {say(head)}"
            yield _image(charts, chart, say(head))
            yield from (_table(one, say) for one in tables)


def _checks(view: ReportView, say: Say) -> Iterator[str]:
    for head, intro, one in (
        (sections.CONTROLS_HEAD, sections.CONTROLS_INTRO, view.controls),
        (sections.COVERAGE_HEAD, sections.COVERAGE_INTRO, view.coverage),
        (sections.COST_HEAD, sections.COST_INTRO, view.cost),
    ):
        yield f"## {say(head)}"
        yield say(intro)
        yield _table(one, say)
    yield f"## {say(sections.PROVENANCE_HEAD)}"
    yield say(sections.PROVENANCE_INTRO)
    yield f"    titer verify . --digest {say(view.root)} --registration {say(view.registration)}"
    yield say(sections.REPEAT)
    yield _table(view.provenance, say)
    yield say(sections.LEDGER_FILE)


def _image(charts: Mapping[str, str], name: str, caption: str) -> str:
    return f"![{caption}]({charts[name]})" if name in charts else ""


def _table(view: TableView, say: Say) -> str:
    rows = [[say(cell.said if isinstance(cell, Marked) else cell) for cell in row] for row in view.rows]
    return table([say(cell) for cell in view.head], rows)


def _sayer(lang: Language) -> Say:
    def say(said: Said | None) -> str:
        return "" if said is None else "".join(_atom(atom, lang) for atom in atoms(said, lang))

    return say


def _atom(atom: str | Fact | Given, lang: Language) -> str:
    match atom:
        case Fact():
            return escape(in_language(atom.shown, lang))
        case Given():
            return escape(atom.text)
        case _:
            return atom
