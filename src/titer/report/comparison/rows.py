"""A comparison as data: a row for each study and subject, made of the figures of its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from titer.analysis.findings import Assay, Finding, Verdict
from titer.protocol.schema import Protocol
from titer.records import Outcome, Record, Role
from titer.report.comparison.comparable import check_comparable, footnotes

EXPOSED = ("resistance", "generalization")
EVERY: Final = "every study"
NUMBERED: Final = "Studies of one name are told apart by the order in which they were given."


@dataclass(frozen=True, kw_only=True)
class ComparedStudy:
    """A study to compare: how it was named, its verdict and protocol, and its assay where it was read."""

    name: str
    verdict: Verdict
    protocol: Protocol
    assay: Assay | None = None


class ConditionCell(Record):
    """What a study says of a condition: its outcome, how many replicates hold and fail, and what that shows.

    `break_limit` is the upper confidence limit of the share of replicates that break.
    """

    outcome: Outcome
    holds: int | None = None
    fails: int | None = None
    replicates: int | None = None
    break_limit: float | None = None


class BreakingDose(Record):
    """The dose at which a subject breaks, over the seeds: above `low`, at `high` or below.

    `high` is None where some seed was not seen to break: then the dose is not known to be reached (censored).
    """

    condition: str
    axis: str
    low: float
    high: float | None
    broken: int
    seeds: int


class WorstDifference(Record):
    """The task whose rate falls most, defended minus undefended, with its limits."""

    task: str
    value: float
    low: float | None
    high: float | None


BY_CHANCE: Final = (
    "{upheld} of {rows} upheld. If none of these models deserved it, at most {expected} would be expected "
    "({alpha} % each). A row that is picked as the best is claimed at {each} %."
)


class ComparedRow(Record):
    """One subject of one study."""

    study: str
    subject: Role
    model: str
    defense: str
    verdict: Outcome
    conditions: dict[str, ConditionCell]
    breaking: tuple[BreakingDose, ...]
    stability: WorstDifference | None = None
    training_steps: tuple[float | None, ...] = ()
    flops: int | None = None


class Comparison(Record):
    """All rows, and what differs without harm."""

    rows: tuple[ComparedRow, ...]
    notes: tuple[str, ...]

    @property
    def shown(self) -> tuple[ComparedRow, ...]:
        """The rows for a reader: an undefended subject of which every study says the same stands once, before all."""
        undefended = [row for row in self.rows if row.subject == "undefended"]
        alike = {row.model_copy(update={"study": EVERY}).to_json() for row in undefended}
        defended = [row for row in self.rows if row.subject == "defended"]
        if len(undefended) < 2 or len(undefended) < len(defended) or len(alike) > 1:
            return self.rows
        return undefended[0].model_copy(update={"study": EVERY}), *defended


def compare(studies: Sequence[ComparedStudy]) -> Comparison:
    """The studies side by side.

    Raises:
        InputError: if they may not be compared, naming the difference.
    """
    check_comparable([(study.name, study.protocol) for study in studies])
    called = [study.verdict.study for study in studies]
    numbered = [f"{n}. {name}" if called.count(name) > 1 else name for n, name in enumerate(called, start=1)]
    rows = tuple(row for name, study in zip(numbered, studies, strict=True) for row in _rows(name, study))
    notes = (*footnotes([study.protocol for study in studies]), _by_chance(studies))
    return Comparison(rows=rows, notes=notes if numbered == called else (*notes, NUMBERED))


def _by_chance(studies: Sequence[ComparedStudy]) -> str:
    """How many upheld verdicts a table of so many would have if none of them were true."""
    upheld, rows = sum(study.verdict.outcome == "upheld" for study in studies), len(studies)
    alpha = max(study.protocol.alpha for study in studies)
    expected, each = f"{rows * alpha:.3g}", f"{100 * alpha / rows:.2g}"
    return BY_CHANCE.format(upheld=upheld, rows=rows, expected=expected, alpha=f"{100 * alpha:g}", each=each)


def _rows(name: str, study: ComparedStudy) -> Iterator[ComparedRow]:
    verdict, protocol = study.verdict, study.protocol
    for role in ("undefended", "defended"):
        if role in verdict.subjects:
            judged = role == "defended"
            yield ComparedRow(
                study=name,
                subject=role,
                model=protocol.subject.model,
                defense=", ".join(choice.name for choice in protocol.defense) if judged else "",
                verdict=verdict.outcome,
                conditions=dict(_conditions(verdict)) if judged else {},
                breaking=tuple(_breaking(verdict, role)),
                stability=_worst(verdict) if judged else None,
                training_steps=tuple(_steps(verdict, role)),
                flops=None if study.assay is None else _flops(study.assay, role),
            )


def _conditions(verdict: Verdict) -> Iterator[tuple[str, ConditionCell]]:
    for finding in verdict.conditions:
        if finding.outcome == "not applicable":
            continue
        hold, fail, limit = (
            next((one for one in finding.figures if one.what == what and one.subject in (None, "defended")), None)
            for what in ("replicates that hold", "replicates that fail", "share of replicates that break")
        )
        yield (
            finding.name,
            ConditionCell(
                outcome=finding.outcome,
                holds=None if hold is None else hold.count,
                fails=None if fail is None else fail.count,
                replicates=None if hold is None else hold.of,
                break_limit=None if limit is None else limit.high,
            ),
        )


def _breaking(verdict: Verdict, role: Role) -> Iterator[BreakingDose]:
    """Of every axis the least and the largest end of the titers of the seeds."""
    for finding in _named(verdict, EXPOSED):
        titers = [one for one in finding.figures if one.subject == role and one.what.startswith("titer, seed ")]
        for axis in dict.fromkeys(one.unit for one in titers):
            own = [one for one in titers if one.unit == axis]
            highs = [one.high for one in own if one.high is not None]
            yield BreakingDose(
                condition=finding.name,
                axis=axis,
                low=min(one.low or 0 for one in own),
                high=max(highs) if len(highs) == len(own) else None,
                broken=len(highs),
                seeds=len(own),
            )


def _worst(verdict: Verdict) -> WorstDifference | None:
    differences = [
        figure
        for finding in _named(verdict, ("stability",))
        for figure in finding.figures
        if figure.subject is None and figure.value is not None and (figure.low, figure.high) != (None, None)
    ]
    if not differences:
        return None
    worst = min(differences, key=lambda one: min(end for end in (one.low, one.value) if end is not None))
    return WorstDifference(task=worst.what, value=worst.value or 0.0, low=worst.low, high=worst.high)


def _steps(verdict: Verdict, role: Role) -> Iterator[float | None]:
    """The steps to the target of each training, None where it was not reached."""
    for finding in _named(verdict, ("trainability",)):
        for figure in finding.figures:
            if figure.subject == role and figure.what.startswith("steps to the target"):
                yield figure.high


def _flops(assay: Assay, role: Role) -> int:
    """The operations of all curves of a subject, as far as they went."""
    own = [curve for curve in assay.curves if curve.subject == role and curve.points]
    return sum(curve.points[-1].facts.spent.flops for curve in own)


def _named(verdict: Verdict, names: Sequence[str]) -> list[Finding]:
    return [finding for finding in verdict.conditions if finding.name in names and finding.outcome != "not applicable"]
