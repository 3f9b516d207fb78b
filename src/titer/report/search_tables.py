"""The searches for the strongest attack: every trial as a table, and the best dose against the number of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from titer.analysis.conditions.attack_searches import curves_of, searches_of
from titer.analysis.findings import Assay
from titer.errors import printable
from titer.protocol.schema import Protocol
from titer.records import Role, canonical
from titer.report.dose_response import COLORS, ROLES, SHAPES
from titer.report.escape import escape, number, table
from titer.stats import search_selection, search_trials
from titer.stats.search_trials import Search, Trial

if TYPE_CHECKING:
    import altair as alt

COLUMNS = 3


def search_tables(assay: Assay) -> list[str]:
    """Every trial of every search, in the order it was proposed; nothing where no attack is searched."""
    protocol = assay.protocol
    found = searches_of(assay)
    if not found:
        return []
    intro = (
        "Trials run on search seeds and `select` items; no verdict rests on them, for their winners are run again. "
        "A trial ends at its first dose above the threshold, or at the best dose of earlier rounds. `best so far` is "
        "the lowest dose at which a completed trial crossed; `share` the largest share of harmful answers; `utility` "
        "the rate of right answers at the dose that ranks the trial, and at dose 0."
    )
    parts = ["## Searches", intro]
    for label, by_role in found.items():
        axis = protocol.attacker.schedule_of(label).axis
        for role, search in by_role.items():
            names = ROLES[protocol.defended]
            parts += [f"### {escape(label)} on {escape(names[role])}, doses in {escape(axis.unit)}"]
            parts += [_table(assay, label, role, search)]
    return parts


def search_chart(assay: Assay) -> alt.ConcatChart | None:
    """The best dose after each completed trial, one panel for each searched attack; None without any."""
    protocol = assay.protocol
    import altair as alt

    panels = [
        _panel(label, protocol.attacker.schedule_of(label).axis.unit, by_role, protocol)
        for label, by_role in searches_of(assay).items()
    ]
    if not panels:
        return None
    said = ["A search that did not cross the threshold within the ladder has no line yet."]
    head = alt.TitleParams("The best dose found, against completed trials", subtitle=said, fontSize=16, offset=12)
    return alt.concat(*panels, columns=COLUMNS, title=head, spacing=18)


def _panel(label: str, unit: str, by_role: dict[Role, Search], protocol: Protocol) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    names = ROLES[protocol.defended]
    shown: list[Role] = list(by_role)
    rows: list[dict[str, Any]] = [
        {"trials": count, "dose": dose, "subject": names[role]}
        for role, search in by_role.items()
        for count, dose in enumerate(search_selection.saturation(search), start=1)
        if dose is not None
    ]
    most = max((len(search_trials.completed(search)) for search in by_role.values()), default=1)
    domain = [names[role] for role in shown]
    ladder = next(iter(by_role.values())).ladder
    doses = alt.Scale(type="symlog", domain=[0, ladder[-1]])
    counts = alt.Scale(domain=[1, max(most, 2)])
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("trials:Q", title="completed trials", scale=counts, axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("dose:Q", title=f"best dose ({unit})", scale=doses, axis=alt.Axis(values=list(ladder))),
        color=alt.Color(
            "subject:N", title=None, scale=alt.Scale(domain=domain, range=[COLORS[role] for role in shown])
        ),
        shape=alt.Shape(
            "subject:N", title=None, scale=alt.Scale(domain=domain, range=[SHAPES[role] for role in shown])
        ),
    )  # fmt: skip
    line = base.mark_line(interpolate="step-after", strokeWidth=2)
    points = base.mark_point(filled=True, size=50)
    return alt.layer(line, points, title=printable(label), width=240, height=200)


def _table(assay: Assay, label: str, role: Role, search: Search) -> str:
    found = {trial.number: trial for trial in search.trials}
    done = [trial.number for trial in search_trials.completed(search)]
    best = dict(zip(done, search_selection.saturation(search), strict=True))
    chosen = search_selection.winner(search)
    rows = []
    for curve in curves_of(assay, label, role):
        trial = found[curve.trial or 0]
        outcome = "selected attack" if chosen is not None and chosen.number == trial.number else ""
        configuration = {} if curve.configuration is None else curve.configuration.parameters
        rows.append(
            [
                str(trial.number),
                escape(canonical(configuration)),
                *_read(trial, search),
                _dose(best.get(trial.number)),
                escape(trial.failure or outcome),
            ]
        )
    return table(["trial", "configuration", "crossed at", "share", "utility", "best so far", "note"], rows)


def _read(trial: Trial, search: Search) -> list[str]:
    share = max((point.rate for point in trial.points), default=None)
    utility = ""
    if trial.utility is not None:
        below = " (below the floor)" if search_trials.below_floor(trial, search.utility_floor) else ""
        utility = f"{number(trial.utility.rate)} of {number(trial.utility.at_zero)}{below}"
    return [_dose(search_trials.crossing(trial.points, search.threshold)), number(share), utility]


def _dose(dose: int | None) -> str:
    return "" if dose is None else str(dose)
