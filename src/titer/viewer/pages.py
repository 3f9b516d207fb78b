"""The pages of the viewer: what they show, put into templates; whatever is text stays text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import ClassVar, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from titer.analysis.findings import Verdict
from titer.errors import shown
from titer.report.comparison.rows import Comparison
from titer.report.comparison.texts import EXPLAINED, cells
from titer.viewer.catalog import Entry

LONGEST: Final = 300
"""The most bytes of a text from outside at one place."""
CONDITIONS: Final = ("resistance", "generalization", "stability", "trainability")
_ENVIRONMENT = Environment(
    loader=PackageLoader("titer.viewer"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["shown"] = lambda text: shown(str(text), LONGEST)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is put into a template: the names in it are those of the fields."""

    template: ClassVar[str]
    title: str

    def filled(self) -> str:
        """The page as HTML."""
        return _ENVIRONMENT.get_template(self.template).render(vars(self))


@dataclass(frozen=True, kw_only=True)
class ListPage(Page):
    """A row for each study with the outcomes of its conditions, and what was searched for."""

    template = "list.html.j2"
    rows: list[tuple[Entry, list[str]]]
    total: int
    words: str
    outcome: str
    conditions: tuple[str, ...] = CONDITIONS


@dataclass(frozen=True, kw_only=True)
class ComparedPage(Page):
    """A column for each subject, and what has to be known of all of them."""

    template = "compare.html.j2"
    columns: list[dict[str, str]]
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class UnfinishedPage(Page):
    """One study."""

    template = "unfinished.html.j2"
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Page):
    """One message."""

    template = "error.html.j2"
    problem: str


def style() -> str:
    """The style sheet."""
    return files("titer.viewer").joinpath("templates", "style.css").read_text(encoding="utf-8")


def list_page(found: Sequence[Entry], total: int, words: str, outcome: str) -> str:
    """The list of studies.

    Args:
        found: those that are shown.
        total: how many there are.
        words: what was searched for.
        outcome: which outcome was asked for, or none.
    """
    rows = [(entry, [outcome_of(entry.verdict, name) for name in CONDITIONS]) for entry in found]
    return ListPage(title="Studies", rows=rows, total=total, words=words, outcome=outcome).filled()


def compared_page(found: Comparison) -> str:
    """Studies side by side, a column for each subject."""
    columns = [cells(row) for row in found.shown]
    return ComparedPage(title="Side by side", columns=columns, notes=[*found.notes, *EXPLAINED]).filled()


def unfinished_page(entry: Entry) -> str:
    """A study that cannot be reported on: how far it is, or what is wrong."""
    return UnfinishedPage(title=entry.name, entry=entry).filled()


def error_page(title: str, problem: str) -> str:
    """One message."""
    return ErrorPage(title=title, problem=problem).filled()


def outcome_of(verdict: Verdict | None, condition: str) -> str:
    """The outcome of a condition; nothing where there is none."""
    if verdict is None:
        return ""
    return next((finding.outcome for finding in verdict.conditions if finding.name == condition), "")
