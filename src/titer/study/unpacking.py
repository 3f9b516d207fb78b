"""A packed study, read back: its tables in memory, or a store in its folder from which it can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from titer.records import Answer, DoseFacts, Score
from titer.study.atomic_files import write_text, write_whole
from titer.study.folder import FROZEN, PACKED_STORE
from titer.study.packed_rows import CellRow, CurveName, ScoreRow, curve_name
from titer.study.packed_tables import PackedStudy, read_cells, read_scores, read_whole
from titer.study.store import Store


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A packed study as it was read."""

    whole: PackedStudy
    cells: tuple[CellRow, ...]
    scores: tuple[ScoreRow, ...]


def read_packed(folder: Path) -> Packed:
    """A packed study; needs neither its store nor its sources.

    Raises:
        InputError: if one of its tables is not there.
        DamagedError: if one is not what was written.
    """
    whole = read_whole(folder)
    return Packed(whole=whole, cells=read_cells(folder), scores=read_scores(folder, whole))


def unpack(folder: Path) -> None:
    """Give a packed study a store in its own folder, so that its cells count as done when it is run.

    Answers have the digest of their text in its place: they cannot be judged again. Frozen rows and items are read
    from their sources when the study is run.
    """
    if not (folder / PACKED_STORE).exists():
        packed = read_packed(folder)
        write_whole(folder / PACKED_STORE, lambda root: _fill(Store(root), packed))
    write_text(folder / FROZEN, read_whole(folder).frozen.to_json() + "\n")


def facts_of(row: CellRow) -> DoseFacts | None:
    """What was found at the dose of a row; None where it has no dose."""
    if row.dose is None:
        return None
    spent = {"examples": row.spent_examples, "tokens": row.spent_tokens, "flops": row.spent_flops}
    records = {name: json.loads(row._asdict()[name]) for name in ("loss_tokens", "terms", "environment")}
    plain = {name: row._asdict()[name] for name in DoseFacts.model_fields if name not in ("spent", *records)}
    return DoseFacts.model_validate({**plain, **records, "spent": spent})


def _fill(store: Store, packed: Packed) -> None:
    for (_, key, dose), scores in groupby(packed.scores, lambda row: (curve_name(row), row.key, row.dose)):
        found = [Score(item=row.item, value=row.value, missing=row.missing) for row in scores]
        store.write_scores(key, dose, found)
    answers = _answers(packed)
    for row in packed.cells:
        if (facts := facts_of(row)) is not None:
            store.write_answers(row.cell, facts, answers.get((curve_name(row), row.cell, facts.dose), ()))
        if row.failure is not None:
            store.write_failure(row.cell, row.failure)
    for key, reason in packed.whole.failed_makes.items():
        store.write_failure(key, reason)


def _answers(packed: Packed) -> Mapping[tuple[CurveName, str, int], tuple[Answer, ...]]:
    """The answers of each cell and dose, in the order in which they were asked; an answer has a row for each judge."""
    found: dict[tuple[CurveName, str, int], dict[tuple[str, str], Answer]] = {}
    for row in packed.scores:
        asked = found.setdefault((curve_name(row), row.cell, row.dose), {})
        asked.setdefault((row.probe, row.item), _answer(row))
    return {where: tuple(asked.values()) for where, asked in found.items()}


def _answer(row: ScoreRow) -> Answer:
    return Answer.model_validate(
        {
            "probe": row.probe,
            "item": row.item,
            "ended": row.ended,
            "option_nats": None if row.option_nats is None else tuple(row.option_nats),
            "option_tokens": None if row.option_tokens is None else tuple(row.option_tokens),
            "text_digest": row.text_digest,
        }
    )
