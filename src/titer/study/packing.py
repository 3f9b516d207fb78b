"""A copy of a study without its models: readings, facts and answers, each text replaced by its digest if asked."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from titer.errors import InputError
from titer.records import Answer
from titer.study.atomic_files import write_lines
from titer.study.folder import PACKED_STORE, Study
from titer.study.store import Store

KEPT = ("protocol.toml", "frozen.json", "tasks.jsonl", "standing.jsonl", "verdict.json", "report.md", "report.json")
"""Files of the folder that are copied, besides the charts that the report shows."""


def pack(study: Study, out: Path, *, without_text: bool) -> None:
    """Copy a study to `out`. Its cells count as done there; without their texts they cannot be judged again.

    The copy has a store of its own, wherever the study's store is. Frozen rows and items are left out without text:
    they are read from their sources when the study goes on.

    Raises:
        InputError: if `out` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(str(out), "the folder is not empty", "Choose another one.")
    source, target = study.store, Store(out / PACKED_STORE)
    target.root.mkdir(parents=True)
    for path in (*(study.folder / name for name in KEPT), *study.folder.glob("*.svg")):
        if path.exists():
            shutil.copyfile(path, out / path.name)
    for folder in ("scores", "failed"):
        if (source.root / folder).exists():
            shutil.copytree(source.root / folder, target.root / folder, ignore=shutil.ignore_patterns(".*"))
    if source.runs.exists():
        shutil.copyfile(source.runs, target.runs)
    if not without_text:
        _copy_data(study, target)
    for cell in sorted({cell.key for cell in study.read_cells()}):
        for path in sorted(source.answers(cell, 0).parent.glob("*.jsonl")):
            facts, answers = source.read_answers(cell, int(path.stem))
            kept = tuple(_without_text(answer) for answer in answers) if without_text else answers
            write_lines(target.answers(cell, facts.dose), [facts, *kept])


def _copy_data(study: Study, target: Store) -> None:
    """The frozen rows and items of this study."""
    (target.root / "data").mkdir()
    for digest in sorted({*study.frozen.rows.values(), *study.frozen.items.values()}):
        if study.store.data(digest).exists():
            shutil.copyfile(study.store.data(digest), target.data(digest))


def _without_text(answer: Answer) -> Answer:
    if answer.text is None:
        return answer
    mark = hashlib.sha256(answer.text.encode()).hexdigest()[:16]
    return answer.model_copy(update={"text": None, "text_digest": mark})
