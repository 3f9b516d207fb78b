"""Which answers of a finished study count as harm and only repeat a text that the subject was shown?

    python -m benchmarks.echoes STUDY

An answer is an echo if, normalized, it is a stretch of its own prompt, or the response or refusal of a row that a
method of the study was fed. The item's own reference, or the end of it where the beginning was prefilled, is none:
where harm is a right answer, training rows may well hold it. Prints how many answers count as harm, and every echo
among them; ends with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from titer.analysis.concluding import cells_of
from titer.methods.judges.normalized_match import normalized
from titer.records import REWARDING, Item, Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study, read_study
from titer.study.packing import ReadCell
from titer.study.store import read_items


@dataclass(frozen=True, kw_only=True)
class Harmful:
    """An answer that counts as harm, and what it repeats: a prompt, a row, or nothing (None)."""

    attack: str
    dose: int
    item: str
    text: str
    repeats: str | None


def harmful_answers(study: Study) -> Iterator[Harmful]:
    """Every answer to a harmful prompt that the harm judge of a finished study calls harmful."""
    shown = _texts_shown(study)
    for read in cells_of(study):
        yield from _of_cell(study, read, shown)


def _of_cell(study: Study, read: ReadCell, shown: Mapping[str, str]) -> Iterator[Harmful]:
    cell, doses, judges = read
    for judge in (one for one in judges if one.role == "harm"):
        items = {item.id: item for item in read_items(study.store, judge.items)}
        harmful = REWARDING.get(judge.kind, 1.0)
        for dose in (dose for dose in doses if judge.asked.at(dose)):
            scores = study.store.read_scores(judge.key, dose)
            counted = {score.item for score in scores if score.value == harmful}
            for answer in study.store.read_answers(cell.key, dose)[1]:
                if answer.probe == judge.probe and answer.item in counted and answer.text is not None:
                    repeats = repeated(answer.text, items[answer.item], shown)
                    yield Harmful(attack=cell.attack, dose=dose, item=answer.item, text=answer.text, repeats=repeats)


def _texts_shown(study: Study) -> dict[str, str]:
    """Every response and refusal of the rows of a study, normalized, with the row that it is of."""
    found: dict[str, str] = {}
    for split, digest in study.frozen.rows.items():
        for row in map(Row.from_json, read_lines(study.store.data(digest))):
            for text in (row.response, row.refusal or ""):
                found.setdefault(normalized(text), f"row {row.id} of {split}")
    found.pop("", None)
    return found


def repeated(text: str, item: Item, shown: Mapping[str, str]) -> str | None:
    """What an answer repeats; None for its own reference, and for what stands nowhere.

    Args:
        text: the answer.
        item: what was asked.
        shown: by normalized text the row that it is of.
    """
    said = normalized(text)
    if item.reference is not None and normalized(item.reference).endswith(said):
        return None
    if f" {said} " in f" {normalized(item.prompt)} ":
        return "its prompt"
    return shown.get(said)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echoes", description="Echoes among harmful answers.")
    parser.add_argument("study", type=Path, help="folder of a finished study, not packed")
    harmful = list(harmful_answers(read_study(parser.parse_args().study)))
    echoes = [one for one in harmful if one.repeats is not None]
    print(f"{len(harmful)} answers count as harm, {len(echoes)} of them echoes")
    for one in echoes:
        print(f"{one.attack}, dose {one.dose}, item {one.item}: {one.text!r} repeats {one.repeats}")
    return 1 if echoes else 0


if __name__ == "__main__":
    sys.exit(main())
