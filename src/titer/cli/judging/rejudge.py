"""`judge`: the stored answers under another judge, marked as a second opinion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import typer

from titer.analysis import stopping
from titer.analysis.concluding import conclude
from titer.analysis.harm_counts import counts_of, harmful
from titer.cli import output
from titer.cli.judging.choice import judge_choice
from titer.cli.progress import Watch
from titer.errors import InputError
from titer.execution.worker import judge
from titer.methods import registry
from titer.planning.judges.tasks import judge_spec
from titer.planning.method_checks import harm_judge
from titer.records import Choice
from titer.study.folder import Study, is_packed, read_study
from titer.study.judging import judge_ref
from titer.study.store_place import PACKED_STORE, store_to_write
from titer.study.tasks import CellSpec, JudgeRef, JudgeTask
from titer.study.view import StoreView

COUNTED = ("answers", "of_record", "second", "unjudged", "both_judged", "agree")


def second_opinion(folder: Path, name: str, json: bool, store: Path | None = None) -> None:
    """Judge the harm probes of a finished study again, and print what each judge calls harmful.

    The new judge takes the place of the harm judge or, if it reads coherence, of the coherence judge; the other one
    stays. The verdict of record is not touched.

    Args:
        folder: a finished study folder.
        name: the judge, with its parameters.
        json: whether one JSON document is printed.
        store: where its store is, if not in the study folder.
    """
    if is_packed(folder) or (folder / PACKED_STORE).is_dir():
        raise _without_texts(folder)
    study = read_study(folder)
    store_to_write(folder, study.protocol, store)
    choice = judge_choice(name, "--judge")
    again = Rejudging(study, choice, _role(choice))
    conclude(study)
    with study.locked(), study.store.in_use():
        rows = list(again.rows())
    grading = study.protocol.harm.grading
    record = grading.coherence if again.role == "coherence" else grading.harm
    if json:
        data = {"second_opinion": choice.to_data(), "judge_of_record": record.to_data(), "role": again.role}
        output.print_json(data | {"totals": _totals(rows), "doses": rows})
        return
    output.print_rows(f"Second opinion: the same answers under {choice.label}", [_line(row) for row in _totals(rows)])
    typer.echo("Answers called harmful, over all doses and seeds.")
    output.say(f"As the {again.role} judge {choice.label} stands in the place of {record.label}.")
    typer.echo("This is a second opinion: the verdict of record is unchanged.")
    if study.protocol.harm.sampling != "fixed":
        typer.echo("Items that were not asked count as unjudged.")


def _role(choice: Choice) -> Literal["harm", "coherence"]:
    """The role in the grading that the judge takes."""
    if registry.judge(choice, "--judge").kind == "coherence":
        return "coherence"
    harm_judge(choice, "--judge")
    return "harm"


@dataclass(frozen=True)
class Rejudging:
    """All harm probes of a study under one more judge."""

    study: Study
    choice: Choice
    role: Literal["harm", "coherence"]

    @cached_property
    def view(self) -> StoreView:
        """The store of the study."""
        return StoreView(self.study.store)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Judge what is not judged yet; one row per cell, probe and dose."""
        frozen, cells = self.study.frozen, self.study.read_cells()
        probes = [(cell, own) for cell in cells for own in frozen.judges_of(cell) if own.role == "harm"]
        begun = time.monotonic()
        with Watch("judging") as watch:
            for done, (cell, own) in enumerate(probes):
                if done:
                    left = len(probes) - done
                    watch.say(f"judging, {left} probes to go", (time.monotonic() - begun) / done * left)
                yield from self._probe(cell, own)

    def _probe(self, cell: CellSpec, own: JudgeRef) -> Iterator[dict[str, Any]]:
        store = self.study.store
        graders = self.study.frozen.judges_of(cell)
        asked = [dose for dose in stopping.wanted(self.view, cell, graders) if own.asked.at(dose)]
        doses = tuple(dose for dose in asked if store.answers(cell.key, dose).exists())
        ref = judge_ref(cell.key, own.asked, own.items, "second opinion", judge_spec(self.choice))
        new = tuple(dose for dose in doses if not store.scores(ref.key, dose).exists())
        self._check_texts(cell, own.probe, new)
        judge(JudgeTask(key=cell.key, judges=(ref,), doses=new, compute=self.study.frozen.compute), store)
        where = {
            "purpose": cell.purpose,
            "subject": cell.subject,
            "domain": own.probe.name,
            "attack": cell.attack,
            "index": cell.index,
        }
        keys = {one.role: one.key for one in graders if one.probe == own.probe} | {"second": ref.key}
        for dose in doses:
            values = {
                role: tuple(score.value for score in store.read_scores(keys[role], dose))
                for role in ("harm", "coherence", "second")
            }
            not_asked = len(self.study.frozen.item_ids[own.probe]) - len(values["second"])
            yield where | {"dose": dose} | self._counts(values, not_asked)

    def _counts(self, values: dict[str, tuple[float | None, ...]], not_asked: int) -> dict[str, int]:
        """What the grading of record and the grading with the one judge replaced say of the answers of one dose.

        Items that were not asked, for the judge of record needed no more, are unjudged by the other one.
        """
        replaced = {**values, self.role: values["second"]}
        pairs = [(harmful(old), harmful(new)) for old, new in zip(values[self.role], values["second"], strict=True)]
        both = [(old, new) for old, new in pairs if old is not None and new is not None]
        return {
            "answers": len(pairs),
            "of_record": counts_of(values).harmful,
            "second": counts_of(replaced).harmful,
            "unjudged": not_asked + sum(new is None for _, new in pairs),
            "both_judged": len(both),
            "agree": sum(old == new for old, new in both),
        }

    def _check_texts(self, cell: CellSpec, probe: str, doses: tuple[int, ...]) -> None:
        for dose in doses:
            _, answers = self.study.store.read_answers(cell.key, dose)
            if any(answer.text_digest is not None for answer in answers if answer.probe == probe):
                raise _without_texts(self.study.folder)


def _without_texts(folder: Path) -> InputError:
    return InputError(str(folder), "its texts were packed away", "Judge the study that it was packed from.")


def _totals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows summed over doses, attacks and seed indices."""
    sums: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        where = {name: row[name] for name in ("purpose", "subject", "domain")}
        total = sums.setdefault(tuple(where.values()), where | dict.fromkeys(COUNTED, 0))
        for name in COUNTED:
            total[name] += row[name]
    return list(sums.values())


def _line(total: dict[str, Any]) -> dict[str, Any]:
    """A row of the table: agreement in percent of the answers that both judges judged."""
    both = total["both_judged"]
    return {
        "purpose": total["purpose"],
        "subject": total["subject"],
        "domain": total["domain"],
        "answers": total["answers"],
        "of_record": total["of_record"],
        "second": total["second"],
        "unjudged": total["unjudged"],
        "agree": f"{100 * total['agree'] / both:.0f} %" if both else None,
    }
