"""The formats of a report: for each the files that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from titer.analysis.findings import Assay, Verdict
from titer.records import canonical
from titer.report.summary import Summary, summarize
from titer.report.view.report_view import ReportView, report_view
from titer.report.view.said import Language
from titer.study.root import Root

ReportFormat = Literal["html", "md", "json", "card", "csv", "parquet", "tex"]
FORMATS: tuple[ReportFormat, ...] = ("html", "md", "json", "card", "csv", "parquet", "tex")
DEFAULT: tuple[ReportFormat, ...] = ("html", "md", "json")
PACKED: tuple[ReportFormat, ...] = ("md", "json")
"""What a packed study has: the page has its drawing program with it, and is written anew from the pack."""
CHECKED: tuple[ReportFormat, ...] = ("html", "md", "json", "card", "csv", "tex")
"""What is compared when a study is verified: all that is text."""
NAMES: Mapping[ReportFormat, tuple[str, ...]] = {
    "html": ("report.html",),
    "md": ("report.md", "ledger.md"),
    "json": ("report.json",),
    "card": ("card.md",),
    "csv": ("figures.csv", "curves.csv"),
    "parquet": ("figures.parquet", "curves.parquet"),
    "tex": ("conditions.tex",),
}
"""The files of each format, in English."""
ONE_LANGUAGE = frozenset({"ledger.md", "report.json", "card.md"} | {n for f in ("csv", "parquet") for n in NAMES[f]})
"""Files that are the same in every language."""


def file_name(name: str, lang: Language) -> str:
    """The name of a file of a report in a language.

    >>> file_name("report.html", "zh"), file_name("report.json", "zh")
    ('report.zh.html', 'report.json')
    """
    stem, _, end = name.rpartition(".")
    return name if lang == "en" or name in ONE_LANGUAGE else f"{stem}.{lang}.{end}"


@dataclass(frozen=True)
class Rendering:
    """A report that can be rendered in every format and language.

    Attributes:
        verdict: what was concluded.
        assay: what it rests on.
        root: the digests of all that.
        charts: the file of each chart beside it, by its name.
    """

    verdict: Verdict
    assay: Assay
    root: Root
    charts: Mapping[str, str]

    @cached_property
    def summary(self) -> Summary:
        """Where the attacks break what, and what they took."""
        return summarize(self.assay)

    @cached_property
    def view(self) -> ReportView:
        """What every format shows."""
        return report_view(self.verdict, self.assay, self.root)

    def files(self, wanted: ReportFormat, lang: Language) -> dict[str, bytes]:
        """The files of one format in one language, by name.

        Args:
            wanted: the format.
            lang: the language.
        """
        made = [text if isinstance(text, bytes) else text.encode() for text in self._contents(wanted, lang)]
        return {file_name(name, lang): content for name, content in zip(NAMES[wanted], made, strict=True)}

    def _contents(self, wanted: ReportFormat, lang: Language) -> list[str] | list[bytes]:
        from titer.report.exports.flat_tables import flat_tables, to_csv, to_parquet
        from titer.report.exports.markdown import render_first_screen, render_markdown
        from titer.report.exports.study_card import study_card
        from titer.report.exports.tex import render_tex
        from titer.report.html.page import render_page
        from titer.report.json_report import report_data
        from titer.report.ledger import render_ledger

        match wanted:
            case "html":
                return [render_page(self.view, lang)]
            case "md":
                ledger = render_ledger(self.verdict, self.assay, self.root, self.charts)
                return [render_markdown(self.view, lang, self.charts), ledger]
            case "json":
                return [canonical(report_data(self.verdict, self.assay, self.root)) + "\n"]
            case "card":
                return [study_card(self.view, self.assay, self.summary, render_first_screen(self.view, "en"))]
            case "tex":
                return [render_tex(self.view, lang)]
            case "csv":
                return [to_csv(rows) for rows in flat_tables(self.verdict, self.assay).values()]
            case "parquet":
                return [to_parquet(rows) for rows in flat_tables(self.verdict, self.assay).values()]
