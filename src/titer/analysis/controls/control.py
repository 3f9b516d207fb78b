"""A control: a check on the assay itself. It passes (upheld), fails (void), is open (undecided), or does not apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from titer.analysis.findings import Assay, Curve, DosePoint, Figure, Finding, Guards
from titer.analysis.sentences.text import Text


@dataclass(frozen=True, kw_only=True)
class ControlResult:
    """What a control found: its outcome, the reason, what to do about it, and the numbers that it rests on."""

    outcome: Literal["upheld", "void", "undecided", "not applicable"]
    reason: Text
    remedy: Text | None = None
    figures: tuple[Figure, ...] = ()


class Control(NamedTuple):
    """A control by its name in the report: where it fails, the one-sided error level of that claim, and the check.

    One of `measurement` guards every number; one of `power` guards what is upheld, and hides no refutation.
    """

    name: str
    void: str
    level: str
    check: Callable[[Assay], ControlResult]
    guards: Guards = "measurement"

    def finding(self, assay: Assay) -> Finding:
        """What the check found, under the name of the control."""
        found = self.check(assay)
        return Finding.of(
            self.name,
            "control",
            found.outcome,
            reason=found.reason,
            remedy=found.remedy,
            figures=found.figures,
            guards=self.guards,
        )


def passed(reason: Text, figures: Iterable[Figure] = ()) -> ControlResult:
    """A control that found nothing."""
    return ControlResult(outcome="upheld", reason=reason, figures=tuple(figures))


def failed(reason: Text, remedy: Text, figures: Iterable[Figure] = ()) -> ControlResult:
    """A control that makes the verdict void.

    Args:
        reason: what is wrong, and where.
        remedy: what to do about it.
        figures: the numbers that it rests on.
    """
    return ControlResult(outcome="void", reason=reason, remedy=remedy, figures=tuple(figures))


def left_open(reason: Text, remedy: Text, figures: Iterable[Figure] = ()) -> ControlResult:
    """A control that shows nothing either way: no verdict is then upheld, and a refutation stands.

    Args:
        reason: what is not known.
        remedy: what to do about it.
        figures: the numbers that it rests on.
    """
    return ControlResult(outcome="undecided", reason=reason, remedy=remedy, figures=tuple(figures))


def skipped(reason: Text, remedy: Text | None = None, figures: Iterable[Figure] = ()) -> ControlResult:
    """A control that does not apply to this study.

    Args:
        reason: why it does not.
        remedy: what would let it apply, where something would.
        figures: the numbers that are known all the same.
    """
    return ControlResult(outcome="not applicable", reason=reason, remedy=remedy, figures=tuple(figures))


def place(curve: Curve, point: DosePoint, probe: str | None = None) -> str:
    """Where something was found.

    Args:
        curve: in which curve.
        point: at which of its doses.
        probe: in the answers to which probe, where it was found there.
    """
    asked = f", {probe}" if probe else ""
    dose = point.facts.dose
    return f"{curve.purpose} of the {curve.subject} subject, {curve.attack}, seed {curve.index}{asked}, dose {dose}"


def first(faults: Sequence[str]) -> str:
    """The first three of many, and how many there are."""
    more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
    return "; ".join(faults[:3]) + more
