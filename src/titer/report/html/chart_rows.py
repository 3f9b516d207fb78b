"""The rows that the charts of the page are drawn from: a row a run with lists along its doses, else a row a dose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from titer.report.dose_response import mean_rows as mean_points
from titer.report.dose_response import stretches
from titer.report.series import Series
from titer.report.view.overviews import WorstView
from titer.report.view.panels import PanelView
from titer.report.view.said import Language, in_language
from titer.report.words import sections


def run_rows(view: PanelView, shown: Sequence[Series], lang: Language) -> Iterator[dict[str, Any]]:
    """A row for each run, with the place of its curve in report.json, and the domain or task that it was asked about.

    Args:
        view: the panel.
        shown: the series that are drawn.
        lang: the language of what a point says.
    """
    for series in reversed(shown):  # what is drawn first lies beneath: the shams
        name = in_language(view.names[series], lang)
        for curve in view.panel.of(series):
            doses = [point.dose for point in curve.points]
            counts = [f"{round(point.low * point.items)} / {point.items}" for point in curve.points]
            losses = [f"{point.low:.4g}" for point in curve.points]
            yield {
                "series": name,
                "run": curve.index,
                "name": f"{name}, {in_language(sections.RUN, lang)} {curve.index}",
                "about": view.panel.about,
                "curve": curve.place,
                "dose": doses,
                "rate": [point.low for point in curve.points],
                "high": [point.high for point in curve.points],
                "stretch": stretches(doses, view.panel.ladder),
                "found": counts if view.panel.unit == "rate" else losses,
            }


def mean_rows(view: PanelView, shown: Sequence[Series], lang: Language) -> Iterator[dict[str, Any]]:
    """A row for each dose that every run of a series reached.

    Args:
        view: the panel.
        shown: the series that are drawn.
        lang: the language of what a point says.
    """
    for series in reversed(shown):
        name = in_language(view.names[series], lang)
        means = mean_points(view.panel.of(series), view.panel.unit)
        for row, stretch in zip(means, stretches([row["dose"] for row in means], view.panel.ladder), strict=True):
            share = f"{100 * row['rate']:.3g} %" if view.panel.unit == "rate" else f"{row['rate']:.4g}"
            yield {"series": name, **row, "stretch": stretch, "says": f"{name}, {row['dose']}: {share}"}


def worst_rows(view: WorstView, lang: Language) -> Iterator[dict[str, Any]]:
    """A row for each dose of each run, and of the mean of the runs, which has no number."""
    for worst in view.worst:
        name = in_language(view.names[worst.subject], lang)
        for index, shares in zip([*worst.indices, None], [*worst.runs, worst.mean], strict=True):
            for dose, share in zip(worst.doses, shares, strict=True):
                if share is not None:
                    says = f"{name}, {dose}: {100 * share:.3g} %"
                    yield {"series": name, "run": index, "dose": dose, "rate": share, "says": says}
