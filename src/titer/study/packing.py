"""The tables of a packed study, made: its own scores, facts and answers, without texts and ids, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from titer.errors import DamagedError
from titer.records import Answer, DoseFacts, Score, canonical
from titer.study.folder import Frozen, Study
from titer.study.packed_rows import CellRow, ScoreRow
from titer.study.packed_tables import PackedStudy, write_cells, write_scores
from titer.study.salt import Salt
from titer.study.store import Store
from titer.study.tasks import CellSpec, JudgeRef

ReadCell = tuple[CellSpec, tuple[int, ...], tuple[JudgeRef, ...]]
"""A cell, the doses that the study reads of it, and who judges it."""


def write_tables(study: Study, cells: Sequence[ReadCell], salt: Salt, folder: Path) -> None:
    """Write the tables of a finished study into a folder.

    Args:
        study: the study; its store may hold what other studies made.
        cells: every cell that it planned, in order, as it is read.
        salt: its secret.
        folder: where the tables are written.
    """
    write_scores(folder, list(score_rows(study, cells, salt)))
    write_cells(folder, list(cell_rows(study, cells, salt)), whole_of(study, cells, salt))


def whole_of(study: Study, cells: Sequence[ReadCell], salt: Salt) -> PackedStudy:
    """What belongs to the whole study."""
    failed = {key: study.store.failure(key) for cell, _, _ in cells for key in cell.makes}
    return PackedStudy(
        titer=version("titer"),
        name=study.protocol.study.name,
        frozen=without_text(study.frozen, salt),
        status=study.read_status(),
        failed_makes={key: reason for key, reason in failed.items() if reason is not None},
    )


def without_text(frozen: Frozen, salt: Salt) -> Frozen:
    """The frozen protocol with digests for the ids of items, and without the rows that exemplify an overlap."""
    overlaps = tuple(overlap.model_copy(update={"example": None}) for overlap in frozen.overlaps)
    ids = {name: tuple(map(salt.of_id, items)) for name, items in frozen.item_ids.items()}
    return frozen.model_copy(update={"overlaps": overlaps, "item_ids": ids})


def cell_rows(study: Study, cells: Sequence[ReadCell], salt: Salt) -> Iterator[CellRow]:
    """A row for each dose of each cell; one without a dose if none was asked."""
    for cell, doses, _ in cells:
        for row in _cell_rows(study.store, cell, doses):
            yield row if row.order is None else row._replace(order=salt.of_id(row.order))


def score_rows(study: Study, cells: Sequence[ReadCell], salt: Salt) -> Iterator[ScoreRow]:
    """Cell by cell, dose by dose and judge by judge the scores, each with the answer that it is about."""
    for cell, doses, judges in cells:
        for dose in _asked(study.store, cell, doses):
            _, answers = study.store.read_answers(cell.key, dose)
            for judge in judges:
                if judge.asked.at(dose):
                    about = [answer for answer in answers if answer.probe == judge.probe]
                    scores = study.store.read_scores(judge.key, dose)
                    ids = study.frozen.item_ids[judge.probe]
                    if len(about) != len(scores):
                        path = study.store.scores(judge.key, dose)
                        raise DamagedError(f"{path} has not a score for each answer. Delete it and run again")
                    for item, answer, score in zip(ids[: len(scores)], about, scores, strict=True):
                        yield _score_row(cell, dose, judge, item, answer, score, salt)


def _cell_rows(store: Store, cell: CellSpec, doses: Sequence[int]) -> Iterator[CellRow]:
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


def _score_row(
    cell: CellSpec, dose: int, judge: JudgeRef, item: str, answer: Answer, score: Score, salt: Salt
) -> ScoreRow:
    value = score.value
    return ScoreRow(
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
        item=salt.of_id(item),
        value=salt.of_number(value) if judge.kind == "fingerprint" and value is not None else value,
        missing=score.missing,
        ended=answer.ended,
        option_nats=answer.option_nats,
        option_tokens=answer.option_tokens,
        text_digest=answer.text_digest if answer.text is None else salt.of_text(answer.text),
    )
