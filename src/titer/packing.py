"""A copy of a study without its models: readings, facts and answers, each text replaced by its digest if asked."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from titer.errors import InputError
from titer.records import Answer
from titer.store import Store, write_lines
from titer.study import Study

KEPT = ("protocol.toml", "frozen.json", "tasks.jsonl", "replaced.json", "verdict.json", "report.md", "report.json")


def pack(study: Study, out: Path, *, without_text: bool) -> None:
    """Copy a study to `out`. Its cells count as done there; without their texts they cannot be judged again.

    Frozen rows and items are left out without text: they are read from their sources when the study goes on.

    Raises:
        InputError: if `out` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(str(out), "the folder is not empty", "Choose another one.")
    target = Store(out / study.protocol.study.store)
    for name in KEPT:
        if (study.folder / name).exists():
            target.root.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(study.folder / name, out / name)
    for folder in ("readings", "failed", *(() if without_text else ("data",))):
        if (study.store.root / folder).exists():
            shutil.copytree(study.store.root / folder, target.root / folder, ignore=shutil.ignore_patterns(".*"))
    if study.store.runs.exists():
        shutil.copyfile(study.store.runs, target.runs)
    for path in sorted((study.store.root / "cells").glob("*/*.jsonl")):
        facts, answers = study.store.read_answers(path.parent.name, int(path.stem))
        kept = tuple(_without_text(answer) for answer in answers) if without_text else answers
        write_lines(target.answers(path.parent.name, facts.dose), [facts, *kept])


def _without_text(answer: Answer) -> Answer:
    if answer.text is None:
        return answer
    mark = hashlib.sha256(answer.text.encode()).hexdigest()[:16]
    return answer.model_copy(update={"text": None, "text_digest": mark})
