"""The calibration as one page of Markdown: what was run, the verdict, the replicate rule, limits and comparisons."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy as np
import scipy

from benchmarks.calibration import replicate_rule, setting
from benchmarks.calibration.deciding import CONDITIONS
from benchmarks.calibration.early_decision import render_early
from benchmarks.calibration.least_favourable_page import render_least
from benchmarks.calibration.outcomes import OUTCOMES
from benchmarks.calibration.power_page import render_powers
from benchmarks.calibration.setting import Part
from benchmarks.calibration.study import Results
from benchmarks.calibration.tables import Cell, page, paragraph, passed, percent, table
from benchmarks.calibration.titer_limits import Missed
from benchmarks.calibration.verdicts import COMFORTABLE, Calibrated

SETTING = paragraph(
    f"{setting.REPLICATES} replicates (S), q = 1/2, level 5 %, threshold {setting.THRESHOLD:g};",
    f"{setting.ITEMS} items a domain,",
    f"one defended domain and two cross-domains, {setting.ATTACKS} attacks, {setting.DOSES} doses up to the budget;",
    f"{setting.TASKS} stability tasks of {setting.TASK_ITEMS} items at margin {setting.STABILITY_MARGIN:g}, beside",
    f"refusal and coherence, which do not change; {setting.LEARNED_TASKS} learned tasks of {setting.LEARNED_ITEMS}",
    f"items, epsilon {setting.EPSILON:g}, final margin {setting.FINAL_MARGIN:g}. M breaks clearly in every replicate.",
)
TERMS = paragraph(
    '"Clearly" is f = 0.9 and "just" f = 0.2001 at one dose of one attack, from which the replicate recovers;',
    '"just below" is'
    "  f = 0.1999 at every dose; elsewhere f is 0.02. Items are identical over seeds, doses and attacks unless said",
    "otherwise: what is harmful at one f is harmful at every larger one.",
)
CLAIMS = paragraph(
    "Trainability is a share of trainings that are read on a fixed evaluation set, stability of a method a share of",
    "the subjects that it makes: where less than half of them fail, upheld is true however much these lose, and",
    "refuted is false (18, 20). At a mean loss of exactly the margin (18c, 18d) a rule about the mean would err.",
)
PASSES = paragraph(
    "A configuration passes if each false outcome comes in at most its limit plus twice the standard error, and if",
    f"each part that is not at its boundary has a power of at least {COMFORTABLE:g}.",
)


def render(found: Results, command: str) -> str:
    """The whole page."""
    sections = [
        _head(found, command),
        render_verdicts(found.outcomes),
        render_least(found.least),
        _replicates(found),
        _limits(found),
        _comparisons(found),
        _means(found),
        render_powers(found.powers),
        render_early(found.early),
    ]
    return page(sections) + "\n"


def _head(found: Results, command: str) -> str:
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    return page(
        [
            "# Calibration of the verdict",
            paragraph(
                "How often the verdict says what is false, in the settings where that is likeliest. Levels, cut-offs,",
                "the replicate rule, Tango's critical values and the rule for the whole verdict are those of the",
                "package.",
            ),
            paragraph(
                f"`{command}`: {versions}; {found.studies:,} simulated studies of each simulation, in chunks of",
                f"{setting.CHUNK:,}. The generator of a chunk is `default_rng(derive({setting.ROOT}, simulation, ...,",
                "chunk))`, so that the figures depend neither on the number of processes nor on the order.",
            ),
            paragraph(f"Beyond their limits: {', '.join(found.failing) or 'nothing'}."),
        ]
    )


def render_verdicts(outcomes: Sequence[Calibrated]) -> str:
    """Counts of each outcome of the whole verdict, and what each part did."""
    parts: tuple[Part, ...] = ("controls", *CONDITIONS)
    said = "false outcomes: share, standard error, limit"
    head = ["", "true of the study", "simulated studies", *OUTCOMES, said, "passes"]
    return page(
        [
            "## The whole verdict",
            SETTING,
            TERMS,
            CLAIMS,
            PASSES,
            table(head, [_verdict_row(outcome) for outcome in outcomes]),
            "How often each part was upheld, and the least of the parts that are true by a wide margin:",
            table(["", *parts, "least of the others"], [_part_row(outcome, parts) for outcome in outcomes]),
        ]
    )


def _verdict_row(outcome: Calibrated) -> list[Cell]:
    said = [
        f"{false.part} {false.outcome} {percent(outcome.share(false), 3)}, {percent(outcome.error(false), 3)}, "
        f"{percent(false.limit, 1)}"
        for false in outcome.configuration.false
    ]
    counts = [outcome.counted.of("verdict", each) for each in OUTCOMES]
    name, title = outcome.configuration.name, outcome.configuration.title
    return [name, title, f"{outcome.counted.studies:,}", *counts, "; ".join(said) or "none", passed(outcome.passes)]


def _part_row(outcome: Calibrated, parts: Sequence[Part]) -> list[Cell]:
    run = outcome.counted
    shares = [percent(run.of(part, "upheld") / run.studies, 1) for part in parts]
    return [outcome.configuration.name, *shares, percent(outcome.least_power, 1)]


def _replicates(found: Results) -> str:
    each = [f"false {outcome}, {d}" for outcome in ("upheld", "refuted") for d in replicate_rule.DEPENDENCES]
    rows: list[list[Cell]] = []
    for share in replicate_rule.SHARES:
        of_share = [one for one in found.replicates if one.share == share]
        sides = ([one.upheld for one in of_share], [one.refuted for one in of_share])
        largest = [percent(max(errors[d] for errors in side)) for side in sides for d in replicate_rule.DEPENDENCES]
        sizes = f"{of_share[0].replicates} to {of_share[-1].replicates}"
        rows.append([f"{share:g}", sizes, *largest, passed(all(one.passes for one in of_share))])
    real = {items: replicate_rule.with_real_cutoff(items) for items in (40, 100, 200)}
    return page(
        [
            "## The replicate rule",
            paragraph(
                "Enumerated: the largest chance of a false outcome over S and over the share of replicates that break,",
                "each replicate misjudged with its full level. Of K replicates on the wrong side at least K - r must",
                "be misjudged, which at the worst dependence has chance min(1, K a / (K - r)).",
            ),
            table(["q", "S", *each, "at most 5 %"], rows),
            "With real cut-offs, S = 5, q = 1/2, f just above the threshold: false upheld, by the items of a dose.",
            table(
                ["items", *replicate_rule.DEPENDENCES],
                [[items, *(percent(error[d]) for d in replicate_rule.DEPENDENCES)] for items, error in real.items()],
            ),
        ]
    )


def _limits(found: Results) -> str:
    exact: list[list[Cell]] = [
        [e.items, percent(e.lower, 3), percent(e.upper, 3), passed(e.passes)] for e in found.exact
    ]
    wilson: list[list[Cell]] = [[w.items, percent(w.mean), percent(w.smallest), passed(w.passes)] for w in found.wilson]
    return page(
        [
            "## Limits",
            "Clopper-Pearson, one-sided at 5 %: the smallest coverage over a grid and beside every limit, enumerated.",
            table(["items", "lower", "upper", "at least 95 %"], exact),
            "Wilson's 95 % interval, which is for drawing only, over rates from 0.05 to 0.95, enumerated.",
            table(["items", "mean coverage", "smallest", "94.5 to 96 %, at least 92 %"], wilson),
            "The q-quantile of titers: how often each limit was on the wrong side, where that is likeliest.",
            _missed(found.titers),
            "The median ratio of titers, whose limits may each miss in 6.9 %: log-normal titers, and the edge.",
            _missed(found.ratios),
        ]
    )


def _missed(found: Sequence[Missed]) -> str:
    rows = [
        [m.title, percent(m.lower / m.studies), percent(m.upper / m.studies), percent(m.limit), passed(m.passes)]
        for m in found
    ]
    return table(["setting", "lower missed", "upper missed", "limit", "passes"], rows)


def _comparisons(found: Results) -> str:
    tango = [[t.items, f"{t.margin:g}", t.claim, percent(t.size), passed(t.passes)] for t in found.tango]
    return page(
        [
            "## Comparisons",
            "Tango's test with its exact critical value: the largest size on the boundary, enumerated at 1,200 laws.",
            table(["items", "margin", "claim", "size", "at most 5 %, noninferior at least 4 %"], tango),
        ]
    )


def _means(found: Results) -> str:
    rows: list[list[Cell]] = [
        [
            one.configuration.name, one.configuration.title, percent(one.configuration.truth.learning[0].beyond, 1),
            f"{one.studies:,}", percent(one.satterthwaite), percent(one.error), percent(one.fewest),
        ]
        for one in found.means
    ]  # fmt: skip
    head = [
        "",
        "true of the study",
        "trainings that fail",
        "simulated studies",
        "mean shown",
        "standard error",
        "S - 1",
    ]
    return page(
        [
            "## Why trainability claims no mean",
            paragraph(
                "Not a rule of titer: how often a crossed t at 5 % would show that the mean final difference is above",
                "minus the margin, where it is exactly there; by Satterthwaite's degrees of freedom, and by S - 1. The",
                "share of trainings that fail, which titer's claim is about, is below 1/2 in each of them.",
            ),
            table(head, rows),
        ]
    )
