"""The whole of a report, drawn up once; every renderer takes it, and none computes."""

from __future__ import annotations

from dataclasses import dataclass

from titer.analysis.findings import Assay, Figure, Verdict
from titer.analysis.sentences.text import Text
from titer.protocol.schema import Protocol
from titer.records import canonical
from titer.report.difference_chart import difference_lines
from titer.report.summary import summarize
from titer.report.view.condition_lines import finding_place
from titer.report.view.findings import TONES, ConditionView, condition_views, control_table, figure_tables
from titer.report.view.first_screen import FirstScreen, first_screen, parent_said
from titer.report.view.ledger import cell_table, provenance_table, scope_table
from titer.report.view.overviews import WorstView, cost_table, coverage_table, matrix_tables, worst_views
from titer.report.view.panels import PanelView, harm_views, trainability_views
from titer.report.view.said import Fact, Given, Said, Sentence, numeral, pointer, points, quoted, verbatim
from titer.report.view.tables import Marked, TableView, table_view
from titer.report.words import first_screen as words
from titer.report.words import sections
from titer.study.root import Root


@dataclass(frozen=True, kw_only=True)
class ForestView:
    """Stability: each task's difference with its limits, against the margin."""

    key: str
    unit: str
    figures: tuple[Figure, ...]
    margin: float
    rule: Said
    table: TableView


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """Everything a report shows."""

    title: Said
    first: FirstScreen
    whole: tuple[Said, ...]
    conditions: tuple[ConditionView, ...]
    worst: tuple[WorstView, ...]
    matrix: tuple[tuple[Said, TableView], ...]
    forests: tuple[ForestView, ...]
    trainability: tuple[PanelView, ...]
    harm: tuple[PanelView, ...]
    controls: TableView
    coverage: TableView
    cost: TableView
    provenance: TableView
    registration: Fact
    root: Fact
    scope: TableView
    figures: tuple[tuple[Said, TableView], ...]
    cells: TableView
    protocol: str

    @property
    def sections(self) -> tuple[tuple[str, Text], ...]:
        """The sections below the first screen that have something to show, by key and heading."""
        listed = (
            ("conditions", sections.CONDITIONS_HEAD, self.conditions),
            ("worst", sections.WORST_HEAD, self.worst),
            ("matrix", sections.MATRIX_HEAD, self.matrix),
            ("stability", sections.STABILITY_HEAD, self.forests),
            ("trainability", sections.TRAINABILITY_HEAD, self.trainability),
            ("harm", sections.HARM_HEAD, self.harm),
            ("controls", sections.CONTROLS_HEAD, self.controls.rows),
            ("coverage", sections.COVERAGE_HEAD, self.coverage.rows),
            ("cost", sections.COST_HEAD, self.cost.rows),
            ("provenance", sections.PROVENANCE_HEAD, self.provenance.rows),
            ("ledger", sections.LEDGER_HEAD, self.cells.rows),
        )
        return tuple((key, head) for key, head, content in listed if content)


def report_view(verdict: Verdict, assay: Assay, root: Root) -> ReportView:
    """Draw up a report.

    Args:
        verdict: what was concluded.
        assay: what it rests on.
        root: the digests of all that.
    """
    protocol, summary, harm = assay.protocol, summarize(assay), harm_views(assay)
    first = first_screen(verdict, assay, harm)
    asked = {line.key: line.asked for line in first.conditions}
    return ReportView(
        title=Sentence(template=words.TITLE, fields={"study": Given(text=verdict.study)}),
        first=first,
        whole=_whole(verdict),
        conditions=condition_views(verdict, protocol, asked),
        worst=tuple(worst_views(assay, summary)),
        matrix=tuple(matrix_tables(assay, summary)),
        forests=_forests(verdict, protocol),
        trainability=trainability_views(assay),
        harm=harm,
        controls=control_table(verdict),
        coverage=coverage_table(assay),
        cost=cost_table(assay, summary),
        provenance=provenance_table(assay, root),
        registration=verbatim("/registration", root.registration),
        root=verbatim("/root", root.root),
        scope=scope_table(verdict),
        figures=tuple(figure_tables(verdict, protocol)),
        cells=cell_table(assay),
        protocol=canonical(protocol.to_data()),
    )


def _whole(verdict: Verdict) -> tuple[Said, ...]:
    """The outcome in the verdict's own words, what is said of the parent, and what was not checked."""
    parts: list[Said] = [quoted("/verdict/reason", verdict.reason, verdict.reason_zh)]
    parent = parent_said(verdict)
    return (*parts, parent) if parent else tuple(parts)


def _forests(verdict: Verdict, protocol: Protocol) -> tuple[ForestView, ...]:
    if protocol.stability is None:
        return ()
    lines, margin = difference_lines(verdict), protocol.stability.margin
    at = {
        id(f): finding_place("conditions", p, "figures", o)
        for p, c in enumerate(verdict.conditions)
        for o, f in enumerate(c.figures)
    }
    rule = Sentence(
        template=sections.MARGIN, fields={"margin": points(pointer("protocol", "stability", "margin"), margin)}
    )
    views = []
    for order, unit in enumerate(dict.fromkeys(figure.unit for figure in lines)):
        own = tuple(figure for figure in lines if figure.unit == unit)
        rows = [
            (
                Given(text=figure.what),
                *(_end(figure, name, at[id(figure)]) for name in ("value", "low", "high")),
                _came_out(figure.outcome),
            )
            for figure in own
        ]
        head = (sections.TASK, sections.DIFFERENCE, sections.LOWER, sections.UPPER, sections.OUTCOME)
        table = table_view(sections.STABILITY_HEAD, head, rows, (1, 2, 3))
        views.append(ForestView(key=f"forest-{order}", unit=unit, figures=own, margin=margin, rule=rule, table=table))
    return tuple(views)


def _came_out(outcome: str) -> Marked:
    """The outcome of one task, in the words that a condition has for its own."""
    found = next((known for known in words.OUTCOMES if known == outcome), None)
    if found is None:
        return Marked(said=Given(text=outcome), tone="quiet")
    return Marked(said=words.OUTCOMES[found], tone=TONES[found])


def _end(figure: Figure, name: str, place: str) -> Fact | None:
    """The value or a limit of a difference: of shares in points."""
    value = {"value": figure.value, "low": figure.low, "high": figure.high}[name]
    if value is None:
        return None
    return points(f"{place}/{name}", value) if figure.unit == "rate" else numeral(f"{place}/{name}", value)
