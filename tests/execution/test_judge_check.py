"""A judge beside labels: the table of titer's own texts, files of one's own, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.rows import write_jsonl

from titer.errors import InputError
from titer.execution.judge_check import CHECK_SET, LABEL_OF, check_judge_on, read_labeled
from titer.methods import registry
from titer.methods.judges.exact_match import ExactMatch
from titer.methods.judges.fingerprint import Fingerprint
from titer.methods.judges.loss import Loss
from titer.methods.judges.refusal import Refusal
from titer.methods.judges.refusal_removal import RefusalRemoval
from titer.methods.judges.substance import Substance
from titer.methods.measurement import Judge
from titer.records import Answer, Choice, Compute, Item, Kind, Score

ROWS = [json.loads(line) for line in CHECK_SET.read_text(encoding="utf-8").splitlines()]
HARMLESS = ("Sure", "I can help with that.", "I'm not sure.", "1. 1. 2. 3.", "https://www.example.org/")


def row(answer: str, label: Any = 0, **more: Any) -> dict[str, Any]:
    return {"prompt": "Say the word", "reference": "copper", "answer": answer, "harm": label, "why": "so", **more}


# -------------------------------------------------------------------------------------------- titer's own texts
def test_the_set_is_large_and_every_row_is_labeled() -> None:
    assert len(ROWS) >= 60
    assert len({(row["prompt"], row["answer"]) for row in ROWS}) == len(ROWS)
    for own in ROWS:
        assert own.keys() == {"prompt", "reference", "answer", "harm", "refusal", "coherence", "why"}
        assert own["harm"] in (0, 1)
        assert own["coherence"] in (0, 1)
        assert own["refusal"] in (0, 1, None)
        assert own["why"]
    labels = [own["harm"] for own in ROWS]
    assert min(labels.count(0), labels.count(1)) >= 20
    assert {own["answer"] for own in ROWS if own["harm"] == 0} >= set(HARMLESS)
    assert any(own["answer"] == own["prompt"] for own in ROWS)
    assert any(own["answer"] == own["reference"] and own["harm"] == 0 for own in ROWS)


def test_what_says_nothing_is_harmless_to_substance_and_not_to_the_removal_of_refusals() -> None:
    judge = Substance()
    found = {
        one.text.row: one.called for one in check_judge_on(judge, read_labeled(CHECK_SET, judge), Compute()).judged
    }
    for number, own in enumerate(ROWS):
        echo = own["answer"] in (*HARMLESS, own["prompt"], own["reference"])
        if echo and own["harm"] == 0:
            assert found[number] is False, own["why"]
    looser = check_judge_on(RefusalRemoval(), read_labeled(CHECK_SET, judge), Compute())
    assert looser.counts["false_positive"] > 50


@pytest.mark.parametrize("name", registry.JUDGES)
def test_every_judge_can_be_checked_or_says_why_not(name: str) -> None:
    judge = registry.judge(Choice(name=name))
    if judge.kind not in LABEL_OF:
        with pytest.raises(InputError, match="which no text is labeled with"):
            read_labeled(CHECK_SET, judge)
        return
    texts = read_labeled(CHECK_SET, judge)
    confusion = check_judge_on(judge, texts, Compute())
    assert sum(confusion.counts.values()) == len(texts)
    counts, agreed = confusion.counts, confusion.agreement.counts
    assert (agreed.both, agreed.neither) == (counts["true_positive"], counts["true_negative"])
    assert agreed.differing == len(texts) - agreed.both - agreed.neither
    assert len(confusion.wrong) == counts["false_positive"] + counts["false_negative"]


# ------------------------------------------------------------------------------------------------- one's own
def test_the_table_counts_what_the_judge_calls_each_label(tmp_path: Path) -> None:
    answers = [("copper", 1), ("copper", 0), ("iron", 1), ("iron", 0), (" copper ", True), ("", False), ("x", None)]
    path = write_jsonl(tmp_path / "own.jsonl", [row(answer, label) for answer, label in answers])
    texts = read_labeled(path, ExactMatch())
    assert [text.row for text in texts] == [0, 1, 2, 3, 4, 5], "a row without a label is left out"
    found = check_judge_on(ExactMatch(), texts, Compute())
    assert list(found.counts.values()) == [2, 1, 1, 2, 0]
    assert [one.text.row for one in found.wrong] == [1, 2]
    assert found.agreement.positive.low < 2 / 4 < found.agreement.positive.high


def test_what_the_judge_cannot_read_is_unjudged_and_no_agreement(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "own.jsonl", [row("copper", 1, reference=None), row("", 0), row("iron", 0)])
    found = check_judge_on(ExactMatch(), read_labeled(path, ExactMatch()), Compute())
    assert found.counts["unjudged"] == 1
    assert found.counts["true_negative"] == 2
    assert found.agreement.counts.differing == 1


def test_a_csv_is_read_and_a_judge_has_the_column_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "prompt,answer,refusal\nwhy,I cannot help with that.,1\nwhy,Because.,0\nwhy,Hm,\n", encoding="utf-8"
    )
    found = check_judge_on(Refusal(), read_labeled(path, Refusal()), Compute())
    assert list(found.counts.values()) == [1, 0, 0, 1, 0]
    with pytest.raises(InputError, match="a column 'harm', and there is none") as caught:
        read_labeled(path, Substance())
    assert caught.value.remedy == "Columns here: prompt, answer, refusal."


class Asked(Judge):
    """A judge that tells what it is asked."""

    name: ClassVar[str] = "asked"
    kind: ClassVar[Kind] = "harm"
    happened: ClassVar[list[object]] = []

    def open(self, compute: Compute) -> None:
        self.happened.append(compute.device)

    def close(self) -> None:
        self.happened.append("closed")

    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        self.happened.append([answer.text for answer in answers])
        return tuple(Score(item=item.id, value=1.0) for item in items)


def test_all_texts_are_judged_together_by_a_judge_that_is_opened(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "own.jsonl", [row(" copper\n", 1), row("iron", 0)])
    check_judge_on(Asked(), read_labeled(path, Asked()), Compute(device="cuda"))
    assert Asked.happened == ["cuda", [" copper\n", "iron"], "closed"], "each text as it stands there"


BAD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a label that is none": (
        [row("a", 1), row("b", "yes")],
        r"--data, row 1 \(from 0\): its harm is 'yes'. Write 1 or 0",
    ),
    "half a label": ([row("a", 0.5)], "its harm is '0.5'"),
    "no label at all": ([row("a", None)], "no row has a label in 'harm'"),
    "no text": ([row("a") | {"answer": 3}], "its answer is no text but a int"),
    "half a sign": ([row("a\ud800")], "its answer cannot be read"),
    "no column": ([{"prompt": "a", "harm": 1}], "a column 'answer', and there is none"),
    "no rows": ([], "a column 'prompt', and there is none"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_with_a_file_is_told(what: str, tmp_path: Path) -> None:
    rows, message = BAD[what]
    with pytest.raises(InputError, match=message):
        read_labeled(write_jsonl(tmp_path / "own.jsonl", rows), Substance())


@pytest.mark.parametrize("judge", [Loss(), Fingerprint()], ids=lambda judge: judge.name)
def test_a_judge_that_reads_no_label_is_refused(judge: Judge) -> None:
    with pytest.raises(InputError, match=f"'{judge.name}' reads {judge.kind}"):
        read_labeled(CHECK_SET, judge)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        read_labeled(tmp_path / "none.jsonl", Substance())
    (tmp_path / "own.txt").write_text("a", encoding="utf-8")
    with pytest.raises(InputError, match=r"neither .csv nor .jsonl"):
        read_labeled(tmp_path / "own.txt", Substance())
