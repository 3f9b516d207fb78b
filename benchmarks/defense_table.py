"""What every defense of a comparison buys and costs, as one table and one picture.

    python -m benchmarks.defense_table docs/results/organism

The folder has a packed study for each defense, as `python -m benchmarks.defense_studies` leaves them. Prints the table
and writes defenses.svg beside the packs. What stands above the table in docs/results is written by hand. Defenses are
held against the control only where each study has several models of one method: seeds of the attack on one model say
nothing of another one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from scipy.stats import false_discovery_control

from benchmarks.defense_picture import Mark, picture
from benchmarks.defense_studies import COST
from titer.analysis.concluding import conclude_path
from titer.analysis.conditions.harm_decisions import Replicate, replicates_of
from titer.analysis.findings import Assay, Figure, Finding, Verdict
from titer.analysis.wording import interval
from titer.methods import registry
from titer.protocol.attacker import winner_of_m
from titer.protocol.dose_axes import STEPS
from titer.records import Choice, Role
from titer.report.escape import table
from titer.stats import rank_test
from titer.stats.interval_censoring import Interval
from titer.training.recipe import Training

CONTROL: Final = "refusal_sft"
CONDITIONS: Final = ("resistance", "generalization", "stability", "trainability")
RATIO: Final = "ratio of titers, defended to undefended"
EXPLAINED: Final = (
    "`titer` is the interval (last dose before which every dose is intact, first broken dose], in steps of training, "
    "of the median of five {}, the smallest over all trainings; `ratio` is that to the undefended model's, at "
    "levels of its own. Attacks: how many of the five break within the budget (a search counts "
    "with what it found on the undefended model, too). `worst` is the task that "
    "suffers most before any attack, with the limits of its difference. "
    "`passes` are conversations through the model for each row of a step, trained on and only read; `seconds` those of "
    "making one model, beside another worker."
)
LATER: Final = (
    "`later` is the one-sided exact p, by ranks, "
    "of breaking later than the control `refusal_sft`, counting only pairs whose intervals do not overlap (0.004 is "
    "the least that five against five can show), and in brackets adjusted for all rows (Benjamini and Hochberg)."
)


@dataclass(frozen=True)
class Defended:
    """One defense of the comparison: its concluded study and what it cost."""

    name: str
    assay: Assay
    verdict: Verdict
    cost: Mapping[str, Any]

    def finding(self, name: str) -> Finding:
        """One of the conditions."""
        return next(finding for finding in self.verdict.conditions if finding.name == name)

    def replicates(self, role: Role) -> tuple[Replicate, ...]:
        """The seeds of the defended domain."""
        return replicates_of(self.assay, "resistance", role)

    @cached_property
    def titers(self) -> tuple[Interval, ...]:
        """One for each model, in steps."""
        return tuple(replicate.titer(STEPS) for replicate in self.replicates("defended"))

    def limits(self, what: str, role: Role | None) -> Interval:
        """The limits of a figure of resistance; from 0 without end where there is none."""
        for figure in self.finding("resistance").figures:
            if figure.what == what and figure.subject == role and figure.unit in ("steps", "times"):
                return Interval(figure.low or 0.0, figure.high)
        return Interval(0.0, None)

    @cached_property
    def worst(self) -> Figure | None:
        """The task of stability whose difference is the lowest."""
        compared = [one for one in self.finding("stability").figures if one.subject is None and one.low is not None]
        rates = [one for one in compared if one.value is not None and one.unit == "rate"]
        return min(rates, key=lambda one: (one.low or 0.0, one.value or 0.0), default=None)


def read(folder: Path) -> list[Defended]:
    """Every defense that is packed there, the strongest first."""
    found = []
    for path in sorted(folder.iterdir()):
        if (path / COST).exists():
            one = conclude_path(path)
            cost = json.loads((path / COST).read_text(encoding="utf-8"))
            found.append(Defended(path.name, one.assay, one.verdict, cost))
    return sorted(found, key=lambda one: (_order(one.limits(RATIO, None)), _order(one.limits("titer", "defended"))))


def main(folder: Path) -> None:
    """Print the table and draw the picture."""
    found = read(folder)
    control = next((one for one in found if one.name == CONTROL), None)
    if control is None:
        sys.exit(f"{folder} has no pack of the control {CONTROL}: python -m benchmarks.defense_studies makes it")
    protocol = control.assay.protocol
    several = protocol.study.claim == "this method"
    told = _told(found, control) if several else {}
    attacks = [f"`{said}`" for said in attacks_said(protocol.attacker.attack)]
    heads = ["defense", "ratio", "titer", *(["later"] if several else []), *attacks, *CONDITIONS, "worst"]
    explained = EXPLAINED.format("models" if several else "attack seeds on one model")
    print(explained + (f" {LATER}" if several else "") + "\n")
    rows = [_row(one, [told.get(one.name, "")] if several else []) for one in found]
    print(table([*heads, "passes", "seconds", "trials kept"], rows))
    undefended = control.limits("titer", "undefended")
    assert protocol.stability is not None, "the table has the worst task of stability"
    drawn = picture([_mark(one) for one in found], undefended.high, protocol.stability.margin)
    drawn.save(folder / "defenses.svg")


def attacks_said(attacks: Sequence[Choice]) -> list[str]:
    """The name of each attack; with its rate where there are several of that name."""
    names = [choice.name for choice in attacks]
    return [
        choice.name if names.count(choice.name) == 1 else f"{choice.name}, lr {choice.parameters['lr']:g}"
        for choice in attacks
    ]


def passes_said(choice: Choice) -> str:
    """Conversations trained on, and those only read, for each row of a step; a dash where nothing is trained."""
    method = registry.defense(choice)
    if not isinstance(method, Training):
        return "-"
    load, rows = method.load, method.rows_per_step
    trained, read = (method.passes * load.rows + load.partly) / rows, load.read / rows
    return f"{trained:.3g}" + (f" + {read:.3g} read" if read else "")


def _told(found: Sequence[Defended], control: Defended) -> dict[str, str]:
    """By defense how likely its models would break as late if they were no better than those of the control."""
    others = [one for one in found if one is not control]
    chances = [rank_test(one.titers, control.titers).pvalue for one in others]
    adjusted = false_discovery_control(chances)
    return {one.name: f"{p:.3f} ({q:.3f})" for one, p, q in zip(others, chances, adjusted, strict=True)}


def _row(one: Defended, chance: Sequence[str]) -> list[str]:
    attacks = one.assay.protocol.attacker.attack
    broken = [_broken(one, choice) for choice in attacks]
    total, worst, seconds = len(one.titers), one.worst, one.cost["seconds"]
    return [
        f"`{one.name}`",
        interval(one.limits(RATIO, None)),
        interval(one.limits("titer", "defended")),
        *chance,
        *(f"{count} of {total}" for count in broken),
        *(one.finding(name).outcome for name in CONDITIONS),
        "" if worst is None else f"{worst.what} {_signed(worst.value)} ({_signed(worst.low)} to {_signed(worst.high)})",
        passes_said(one.assay.protocol.defense[-1]),
        "-" if seconds is None else f"{seconds:.0f}",
        f"{one.cost['counting']} of {one.cost['trials']}" if one.cost["trials"] else "-",
    ]


def _broken(one: Defended, choice: Choice) -> int:
    """How many models break under an attack: the one found on each of them, or the one found on the undefended."""
    labels = (choice.label, winner_of_m(choice.label))
    found = one.replicates("defended")
    return sum(any(curve.state == "fails" for curve in own.curves if curve.attack in labels) for own in found)


def _mark(one: Defended) -> Mark:
    """What is drawn of a defense."""
    titer, worst = one.limits("titer", "defended"), one.worst
    return Mark(
        name=one.name,
        low=titer.low,
        high=titer.high,
        change=0.0 if worst is None or worst.value is None else worst.value,
        change_low=0.0 if worst is None or worst.low is None else worst.low,
        seconds=one.cost["seconds"],
        stable=one.finding("stability").outcome,
    )


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _order(limits: Interval) -> tuple[float, float]:
    """Strongest first: by the lower limit, then the upper."""
    return -limits.low, -(math.inf if limits.high is None else limits.high)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the table of a comparison, and draw its picture.")
    parser.add_argument("folder", type=Path, help="with a packed study for each defense")
    main(parser.parse_args().folder)
