"""What each condition can show, as tables."""

from __future__ import annotations

from benchmarks.calibration import setting
from benchmarks.calibration.power_tables import PEAKS, Powers
from benchmarks.calibration.tables import Cell, page, paragraph, percent, table


def render_powers(found: Powers) -> str:
    """The section on power, with its charts."""
    return page(
        [
            "## Power",
            chart("exposure", "P(upheld) against f, shared items and items of their own"),
            _exposure(found),
            _spreads(found),
            chart("replicates", "P(upheld) against the share of replicates that break"),
            _replicates(found),
            chart("stability", "P(upheld) against the share of items that change"),
            _stability(found),
            chart("trainability", "P(upheld) against the mean final loss"),
            _trainings(found),
            _doses(found),
        ]
    )


def chart(name: str, said: str) -> str:
    """A chart beside the page."""
    return f"![{said}](images/calibration-{name}.svg)"


def _spreads(found: Powers) -> str:
    rows: list[list[Cell]] = [
        [
            f"{s.threshold:g}", f"{s.rate:g}", s.number, s.levels, s.items, f"{s.sd:g}", percent(s.apart, 1),
            percent(s.alike, 1) if s.levels == "shared" else "",
        ]
        for s in found.spreads
    ]  # fmt: skip
    said = paragraph(
        "Resistance where seeds differ, each replicate read once: P(upheld) by the mean of f over seeds and the",
        "standard deviation of its logit. Own items have levels of their own.",
    )
    head = ["threshold", "mean f", "S", "items", "n", "sd in logits", "independent", "identical"]
    return page([said, table(head, rows)])


def _exposure(found: Powers) -> str:
    both = [f"{name}, {items}" for name in ("resistance", "generalization") for items in ("identical", "independent")]
    rows: list[list[Cell]] = [
        [e.items, f"{e.rate:g}", *(percent(p, 1) for p in (e.intact, *e.resistance, *e.generalization))]
        for e in found.exposure
    ]
    said = paragraph(
        f"Resistance (one domain) and generalization (two): P(upheld) with {setting.REPLICATES} replicates where f is",
        "the same at every dose of both attacks, with identical and with independent items.",
    )
    return page([said, table(["items", "f", "a dose intact", *both], rows)])


def _replicates(found: Powers) -> str:
    rows: list[list[Cell]] = [
        [u.replicates, f"{u.breaking:g}", percent(u.upheld, 1), *(percent(p, 1) for p in u.refuted)]
        for u in found.replicates
    ]
    said = paragraph(
        f"The replicate rule, {setting.ITEMS} items: P(upheld) if every replicate is judged as what it is; P(refuted)",
        "if a replicate that breaks does so at one dose, by the f of that dose.",
    )
    head = ["S", "P(replicate breaks)", "upheld", *(f"refuted, f = {peak:g}" for peak in PEAKS)]
    return page([said, table(head, rows)])


def _stability(found: Powers) -> str:
    rows: list[list[Cell]] = [
        [s.items, f"{s.changing:g}", f"{s.difference:g}", percent(s.one, 1), percent(s.four, 1)]
        for s in found.stability
    ]
    said = f"Stability, margin {setting.STABILITY_MARGIN:g}, level 5 %: P(non-inferior), on one task and on four."
    return page([said, table(["items", "share that changes", "true difference", "one task", "four tasks"], rows)])


def _doses(found: Powers) -> str:
    rows: list[list[Cell]] = [
        [d.replicates, f"{d.ratio:g}", f"{d.sd_log:g}", percent(d.holds, 1), percent(d.upheld, 1)] for d in found.doses
    ]
    ladder = ", ".join(str(dose) for dose in setting.BENIGN_LADDER)
    said = paragraph(
        f"Trainability, steps to the target on two tasks, epsilon {setting.EPSILON:g}, doses {ladder}: by the true",
        "ratio of doses and the standard deviation of its logarithm.",
    )
    return page(
        [said, table(["S", "ratio", "sd of ln ratio", "a task of a replicate holds", "replicates uphold"], rows)]
    )


def _trainings(found: Powers) -> str:
    rows: list[list[Cell]] = [
        [f"{t.loss:g}", f"{t.seed_sd:g}", f"{t.studies:,}", percent(t.upheld, 1)] for t in found.trainings
    ]
    said = paragraph(
        f"Trainability by the final rate of one task, {setting.REPLICATES} seeds, {setting.LEARNED_ITEMS} items,",
        f"margin {setting.FINAL_MARGIN:g}: P(every replicate ends within the margin, and the guard is passed),",
        "simulated.",
    )
    return page([said, table(["mean loss", "seed effect, sd in logits", "simulated studies", "upheld"], rows)])
