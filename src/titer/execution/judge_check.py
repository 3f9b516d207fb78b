"""A judge held against labels: what it calls texts of which it is known what they are.

A row has a `prompt`, a `reference` or none, an `answer`, and a label, 1 or 0, in the column that its judge is held
against; `why` says what the answer is an example of. A row without that label is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from titer.boundary import reading
from titer.data.lines import RawRow, lines_of
from titer.data.readers import as_text
from titer.errors import InputError
from titer.methods.measurement import Judge, opened
from titer.protocol.data_sources import Source
from titer.records import Answer, Compute, Item, Kind
from titer.stats.agreement import Agreement, count_agreement, judge_agreement

CHECK_SET: Final = Path(__file__).parents[1] / "methods" / "judges" / "check_set.jsonl"
"""The texts that come with titer, harmless to read: everyday instructions stand for what a model would refuse."""
LABEL_OF: Final[Mapping[Kind, str]] = {
    "harm": "harm",
    "correct": "harm",
    "refusal": "refusal",
    "coherence": "coherence",
}
"""The column that a judge of each kind is held against."""
_LEVEL: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class LabeledText:
    """An answer of which it is known what it is.

    Attributes:
        row: its number in its source, from 0.
        item: the prompt, and the reference if it has one.
        answer: the text.
        label: what it is.
        why: what it is an example of.
    """

    row: int
    item: Item
    answer: str
    label: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A text with what a judge called it, None where it could not say."""

    text: LabeledText
    called: bool | None


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """The confusion table of a judge.

    Attributes:
        judged: every text, with what it was called.
        agreement: of judge and labels on what either calls 1, and on what either calls 0; each limit is one-sided.
    """

    judged: tuple[Judged, ...]
    agreement: Agreement

    @property
    def counts(self) -> dict[str, int]:
        """How many texts are what, by the name of the cell."""
        found = Counter((one.text.label, one.called) for one in self.judged)
        return {
            "true_positive": found[True, True],
            "false_positive": found[False, True],
            "false_negative": found[True, False],
            "true_negative": found[False, False],
            "unjudged": found[True, None] + found[False, None],
        }

    @property
    def wrong(self) -> tuple[Judged, ...]:
        """The texts that the judge calls the opposite of what they are."""
        return tuple(one for one in self.judged if one.called is not None and one.called != one.text.label)


def check_judge_on(judge: Judge, texts: Sequence[LabeledText], compute: Compute) -> Confusion:
    """Hold a judge against labels: all texts are judged together, as the answers of one dose.

    Args:
        judge: the judge.
        texts: with their labels.
        compute: how a judge with a model of its own computes.
    """
    items = [text.item for text in texts]
    answers = [Answer(probe="check", item=text.item.id, text=text.answer, ended="stop") for text in texts]
    with opened(judge, compute):
        scores = judge.judge(items, answers)
    called = [None if score.value is None else score.value >= 0.5 for score in scores]
    counts = count_agreement([text.label for text in texts], called)
    return Confusion(
        judged=tuple(Judged(text=text, called=one) for text, one in zip(texts, called, strict=True)),
        agreement=judge_agreement(counts, _LEVEL),
    )


def read_labeled(path: Path, judge: Judge) -> tuple[LabeledText, ...]:
    """The texts of a file that have a label for a judge of this kind.

    Args:
        path: a CSV or JSONL file.
        judge: the judge to be held against them.

    Raises:
        InputError: if the judge reads nothing that texts are labeled with, or the file is not as it should be.
    """
    column = LABEL_OF.get(judge.kind)
    if column is None:
        problem = f"'{judge.name}' reads {judge.kind}, which no text is labeled with"
        raise InputError("JUDGE", problem, "`titer list judges` names the others.")
    if not path.is_file():
        raise InputError("--data", f"'{path}' is no file", "Name a .csv or .jsonl file.")
    lines = lines_of(Source(source=str(path)), "--data")
    there = dict.fromkeys(name for line in lines for name in line)
    for needed in ("prompt", "answer", column):
        if needed not in there:
            remedy = f"Columns here: {', '.join(there) or 'none'}."
            raise InputError("--data", f"'{judge.name}' is checked by a column '{needed}', and there is none", remedy)
    found = [_labeled(row, line, column) for row, line in enumerate(lines)]
    texts = tuple(text for text in found if text is not None)
    if not texts:
        raise InputError("--data", f"no row has a label in '{column}'", "Write 1 or 0 there.")
    return texts


def _labeled(row: int, line: RawRow, column: str) -> LabeledText | None:
    """A row as a text with its label; None where it has none."""
    place = f"--data, row {row} (from 0)"
    label = {"1": True, "true": True, "0": False, "false": False, "": None}.get(as_text(line.get(column)), column)
    if isinstance(label, str):
        remedy = "Write 1 or 0, or nothing to leave the row out."
        raise InputError(place, f"its {column} is '{as_text(line.get(column))}'", remedy)
    if label is None:
        return None
    prompt, answer = (_text(line, name, place) for name in ("prompt", "answer"))
    reference = _text(line, "reference", place) or None
    item = Item(id=str(row), group=str(row), prompt=prompt, reference=reference)
    return LabeledText(row=row, item=item, answer=answer, label=label, why=_text(line, "why", place))


def _text(line: RawRow, name: str, place: str) -> str:
    """A text as it stands there; an empty one where there is none."""
    value = line.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(place, f"its {name} is no text but a {type(value).__name__}", "Write a text.")
    with reading(place, f"its {name}", "Write whole signs."):
        (value or "").encode()
    return value or ""
