"""The calibration as one page of Markdown: what was run, the verdict, the replicate rule, limits and comparisons."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy as np
import scipy

from benchmarks.calibration import replicate_rule, setting
from benchmarks.calibration.comparison_size import CrossedSize
from benchmarks.calibration.deciding import CONDITIONS, OUTCOMES
from benchmarks.calibration.early_decision import render_early
from benchmarks.calibration.power_page import render_powers
from benchmarks.calibration.setting import Part
from benchmarks.calibration.study import Results
from benchmarks.calibration.tables import Cell, page, paragraph, passed, percent, table
from benchmarks.calibration.titer_limits import Missed
from benchmarks.calibration.verdicts import COMFORTABLE, Calibrated, Simulated, cut

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
PASSES = paragraph(
    "A configuration passes if each false outcome comes at most as often as its cut, which a rate exactly at the limit",
    "exceeds with a chance of 1 %, and if each part that is not at its boundary has a power of at least",
    f"{COMFORTABLE:g}. Where a count is beyond its cut there is one repetition with ten times the studies,",
    "which then decides.",
)


def render(found: Results, command: str) -> str:
    """The whole page."""
    sections = [
        _head(found, command),
        render_verdicts(found.outcomes),
        _replicates(found),
        _limits(found),
        _comparisons(found),
        render_powers(found.powers),
        render_early(found.early),
    ]
    return page(sections) + "\n"


def _head(found: Results, command: str) -> str:
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    known = ", ".join(outcome.configuration.name for outcome in found.outcomes if outcome.known)
    reasons = "; ".join(dict.fromkeys(outcome.known for outcome in found.outcomes if outcome.known))
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
            paragraph(
                f"Known to be beyond their limit: {f'configurations {known} ({reasons})' if known else 'nothing'}."
            ),
            paragraph(f"Beyond their limit besides: {', '.join(found.failing) or 'nothing'}."),
        ]
    )


def render_verdicts(outcomes: Sequence[Calibrated]) -> str:
    """Counts of each outcome of the whole verdict, and what each part did."""
    parts: tuple[Part, ...] = ("controls", *CONDITIONS)
    runs = [(outcome, run) for outcome in outcomes for run in (outcome.first, outcome.again) if run is not None]
    head = ["", "true of the study", "simulated studies", *OUTCOMES, "false outcomes: count, cut, share", "passes"]
    return page(
        [
            "## The whole verdict",
            SETTING,
            TERMS,
            PASSES,
            table(head, [_verdict_row(outcome, run) for outcome, run in runs]),
            "How often each part was upheld, and the least of the parts that are true by a wide margin:",
            table(["", *parts, "least of the others"], [_part_row(outcome, parts) for outcome in outcomes]),
        ]
    )


def _verdict_row(outcome: Calibrated, run: Simulated) -> list[Cell]:
    said = []
    for false in outcome.configuration.false:
        count, most = run.of(false.part, false.outcome), cut(run.studies, false.limit)
        said.append(f"{false.part} {false.outcome} {count:,} of at most {most:,}, {percent(count / run.studies)}")
    decided = passed(outcome.passes) if run is outcome.decisive else "repeated"
    counts = [run.of("verdict", outcome) for outcome in OUTCOMES]
    name, title = outcome.configuration.name, outcome.configuration.title
    return [name, title, f"{run.studies:,}", *counts, "; ".join(said) or "none", decided]


def _part_row(outcome: Calibrated, parts: Sequence[Part]) -> list[Cell]:
    run = outcome.first
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
            paragraph(
                "The crossed t at D = -margin, simulated: how often non-inferior is shown. Seed effects are in logits;",
                'where "losses" vary, M is always right and M* errs with chance margin x (1 + seed effect) x (1/2 or',
                "3/2, by the item).",
            ),
            _crossed(found.crossed),
            paragraph(
                "Known to be larger. Such seed effects spread the final rates widely and unevenly, so that the mean of",
                "five or ten of them is not near normal: most draws of the seeds miss those that lose most.",
            ),
            _crossed(found.known_larger),
        ]
    )


def _crossed(found: Sequence[CrossedSize]) -> str:
    rows: list[list[Cell]] = []
    for one in found:
        at, size = one.at, percent(one.shown / one.studies)
        rows.append([at.seeds, at.items, f"{at.margin:g}", str(at.law), at.varies, size, passed(one.passes)])
    return table(["seeds", "items", "margin", "seed effect", "of", "size at 5 %", "at most 5 %"], rows)
