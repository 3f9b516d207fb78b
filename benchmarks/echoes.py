"""Which answers of a finished study count as harm and only repeat a text that the subject was shown?

    python -m benchmarks.echoes STUDY

An answer is an echo if it has no content word (`titer.methods.judges.content_words`, as `substance` reads) that its own
prompt does not have, or none that one and the same row that a method was fed does not have in its response or refusal;
one without any content word is an echo, too. The item's own reference, or the rest of it where the beginning was
prefilled, is none; nor is an answer that holds it where the prompt does not, unless it is a row of another item.
Where harm is that very reference, an echo means that a score is wrong: so it is read here anew, from answers, items and
rows alone. What such a study cannot tell from its scores is whether a right answer was learned word for word: so those
are counted whose reference is the response of a row, too, but for rows that taught knowledge.

Prints how many answers count as harm, how many of them a row has, and every echo; ends with 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from titer.analysis.concluding import cells_of
from titer.data.identifiers import SplitId
from titer.data.splitting import ASKED
from titer.methods.judges.contains import Contains
from titer.methods.judges.content_words import content_words
from titer.methods.judges.normalized_match import normalized
from titer.records import REWARDING, Answer, Item, Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study, read_study
from titer.study.packing import ReadCell
from titer.study.store import read_items


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A response or refusal of a row that a method of a study was fed."""

    row: str
    text: str
    words: frozenset[str]
    taught: str | None

    @classmethod
    def of(cls, text: str, row: str, *, taught: str | None = None) -> Self:
        """One text, with the row that it is of, and the group of that row where it is knowledge that was taught."""
        return cls(row=row, text=normalized(text), words=content_words(text), taught=taught)


@dataclass(frozen=True, kw_only=True)
class Harmful:
    """An answer that counts as harm, what it repeats (None: nothing), and the row that is its own reference, too."""

    attack: str
    dose: int
    item: str
    text: str
    repeats: str | None
    row: str | None


def harmful_answers(study: Study) -> Iterator[Harmful]:
    """Every answer to a harmful prompt that the harm judge of a finished study calls harmful."""
    shown = tuple(texts_shown(study))
    for read in cells_of(study):
        yield from _of_cell(study, read, shown)


def _of_cell(study: Study, read: ReadCell, shown: Sequence[Shown]) -> Iterator[Harmful]:
    cell, doses, judges = read
    for judge in (one for one in judges if one.role == "harm"):
        items = {item.id: item for item in read_items(study.store, judge.items)}
        harmful = REWARDING.get(judge.kind, 1.0)
        for dose in (dose for dose in doses if judge.asked.at(dose)):
            scores = study.store.read_scores(judge.key, dose)
            counted = {score.item for score in scores if score.value == harmful}
            for answer in study.store.read_answers(cell.key, dose)[1]:
                if answer.probe == judge.probe and answer.item in counted and answer.text is not None:
                    item = items[answer.item]
                    yield Harmful(
                        attack=cell.attack,
                        dose=dose,
                        item=answer.item,
                        text=answer.text,
                        repeats=repeated(answer, item, shown),
                        row=row_of_reference(answer, item, shown),
                    )


def texts_shown(study: Study) -> Iterator[Shown]:
    """Every response and refusal of the rows that a method may be fed: a split that is only asked is none of them."""
    for split, digest in study.frozen.rows.items():
        if split.part in ASKED:
            continue
        taught = split == SplitId.knowledge(split.owner.removeprefix("domain/"))
        for row in map(Row.from_json, read_lines(study.store.data(digest))):
            for text in filter(None, (row.response, row.refusal)):
                yield Shown.of(text, f"row {row.id} of {split}", taught=row.group if taught else None)


def repeated(answer: Answer, item: Item, shown: Sequence[Shown]) -> str | None:
    """What an answer repeats; None for its own reference, and for what stands nowhere.

    Args:
        answer: what was said.
        item: what was asked.
        shown: the texts of all rows.
    """
    if _is_reference(answer, item):
        return None
    said, words = normalized(answer.text or ""), content_words(answer.text or "")
    told = _tells(answer, item)
    sources = [one for one in shown if one.taught != item.group] if told else shown
    if exact := next((one.row for one in sources if one.text == said), None):
        return exact
    if told:
        return None
    if words <= content_words(item.prompt):
        return "its prompt"
    return next((one.row for one in shown if words <= one.words), None)


def row_of_reference(answer: Answer, item: Item, shown: Sequence[Shown]) -> str | None:
    """The row, not of knowledge that was taught, whose response is the reference that this answer is; None if none is.

    Args:
        answer: what was said.
        item: what was asked.
        shown: the texts of all rows.
    """
    if item.reference is None or not _is_reference(answer, item):
        return None
    own = normalized(item.reference)
    return next((one.row for one in shown if one.text == own and one.taught is None), None)


def _tells(answer: Answer, item: Item) -> bool:
    """Whether the answer holds the item's own reference, which its prompt does not."""
    if item.reference is None:
        return False
    holds = partial(Contains().matches, item.reference)
    return holds(answer.text or "") and not holds(item.prompt)


def _is_reference(answer: Answer, item: Item) -> bool:
    """Whether the answer is the item's own reference, or the rest of it after what was prefilled."""
    if item.reference is None:
        return False
    said = normalized(answer.text or "")
    whole = normalized(f"{answer.begun or ''} {answer.text or ''}")
    return normalized(item.reference) in (said, whole)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echoes", description="Echoes among harmful answers.")
    parser.add_argument("study", type=Path, help="folder of a finished study, not packed")
    harmful = list(harmful_answers(read_study(parser.parse_args().study)))
    echoes = [one for one in harmful if one.repeats is not None]
    rows = sum(one.row is not None for one in harmful)
    print(f"{len(harmful)} answers count as harm, {len(echoes)} of them echoes")
    print(f"{rows} are the item's own reference and the response of a row of another item, too")
    for one in echoes:
        print(f"{one.attack}, dose {one.dose}, item {one.item}: {one.text!r} repeats {one.repeats}")
    return 1 if echoes else 0


if __name__ == "__main__":
    sys.exit(main())
