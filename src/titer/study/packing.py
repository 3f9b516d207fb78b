"""The tables of a packed study, written: its own scores, facts and answers without their texts, and nobody else's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from titer.records import Answer, DoseFacts, canonical
from titer.study.folder import Frozen, Study
from titer.study.packed_rows import CellRow, ScoreRow
from titer.study.packed_tables import PackedStudy, digest_of, write_cells, write_scores
from titer.study.store import Store
from titer.study.tasks import CellSpec

Wanted = Sequence[tuple[CellSpec, Sequence[int]]]


def write_tables(study: Study, wanted: Wanted, folder: Path) -> None:
    """Write the tables of a finished study into a folder.

    Args:
        study: the study; its store may hold what other studies made.
        wanted: every cell that it planned, in order, with the doses that it wants of it.
        folder: where the tables are written.
    """
    rows = [row for cell, doses in wanted for row in _cell_rows(study.store, cell, doses)]
    failed = {key: study.store.failure(key) for cell, _ in wanted for key in cell.makes}
    whole = PackedStudy(
        name=study.protocol.study.name,
        frozen=_without_text(study.frozen),
        status=study.read_status(),
        failed_makes={key: reason for key, reason in failed.items() if reason is not None},
        cells=digest_of(rows),
        scores=write_scores(folder, [row for cell, doses in wanted for row in _score_rows(study, cell, doses)]),
    )
    write_cells(folder, rows, whole)


def _cell_rows(store: Store, cell: CellSpec, doses: Sequence[int]) -> Iterator[CellRow]:
    """A row for each dose that was asked; one without a dose if none was."""
    row = CellRow(
        cell=cell.key,
        purpose=cell.purpose,
        subject=cell.subject,
        model=cell.model,
        domain=cell.domain,
        task=cell.task,
        attack=cell.attack,
        trial=cell.trial,
        seed=cell.index,
        ladder=cell.doses,
        configuration=None if cell.configuration is None else cell.configuration.to_json(),
        failure=store.failure(cell.key),
        unmade=next((reason for key in cell.makes if (reason := store.failure(key)) is not None), None),
        spec=cell.to_json(),
    )
    asked = _asked(store, cell, doses)
    yield from (_with_facts(row, store.read_facts(cell.key, dose)) for dose in asked)
    if not asked:
        yield row


def _asked(store: Store, cell: CellSpec, doses: Sequence[int]) -> list[int]:
    """Those of the doses that a cell came to before it failed."""
    return [dose for dose in doses if store.answers(cell.key, dose).exists()]


def _with_facts(row: CellRow, facts: DoseFacts) -> CellRow:
    return row._replace(
        dose=facts.dose,
        spent_examples=facts.spent.examples,
        spent_tokens=facts.spent.tokens,
        spent_flops=facts.spent.flops,
        displacement=facts.displacement,
        loss_tokens=canonical(facts.loss_tokens),
        terms=canonical(facts.terms),
        rows_used=facts.rows_used,
        order=facts.order,
        template_train=facts.template_train,
        template_probe=facts.template_probe,
        environment=facts.environment.to_json(),
    )


def _score_rows(study: Study, cell: CellSpec, doses: Sequence[int]) -> Iterator[ScoreRow]:
    """Judge by judge the scores of each dose, each with the answer that it is about."""
    for dose in _asked(study.store, cell, doses):
        _, answers = study.store.read_answers(cell.key, dose)
        for judge in study.frozen.judges_of(cell):
            if not judge.asked.at(dose):
                continue
            about = [answer for answer in answers if answer.probe == judge.probe]
            for answer, score in zip(about, study.store.read_scores(judge.key, dose), strict=True):
                yield ScoreRow(
                    cell=cell.key,
                    purpose=cell.purpose,
                    subject=cell.subject,
                    domain=cell.domain,
                    task=cell.task,
                    attack=cell.attack,
                    trial=cell.trial,
                    seed=cell.index,
                    dose=dose,
                    probe=judge.probe,
                    role=judge.role,
                    kind=judge.kind,
                    judge=judge.judge.label,
                    item=score.item,
                    value=score.value,
                    missing=score.missing,
                    ended=answer.ended,
                    option_nats=answer.option_nats,
                    option_tokens=answer.option_tokens,
                    text_digest=_text_digest(answer),
                )


def _text_digest(answer: Answer) -> str | None:
    """What stands for a text; an answer that was packed before has it already."""
    return answer.text_digest if answer.text is None else hashlib.sha256(answer.text.encode()).hexdigest()[:16]


def _without_text(frozen: Frozen) -> Frozen:
    """The frozen protocol without the rows that exemplify an overlap."""
    overlaps = tuple(overlap.model_copy(update={"example": None}) for overlap in frozen.overlaps)
    return frozen.model_copy(update={"overlaps": overlaps})
