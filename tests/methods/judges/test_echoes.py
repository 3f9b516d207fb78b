"""Harm that is a right answer is no echo: what counts repeats no prompt and no training row but its own reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish

from benchmarks.echoes import Shown, harmful_answers, main, repeated, row_of_reference, texts_shown
from titer.records import Answer, Item, Score
from titer.study.folder import Study
from titer.study.store import Store


def study_with(folder: Path, judge: Any) -> Study:
    """A finished study of two answers, of which an attack teaches the one or the other."""

    def change(data: dict[str, Any]) -> None:
        for name in ("red", "blue"):
            path = folder / "in" / f"{name}.jsonl"
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            text = "".join(json.dumps(row | {"response": ("ok", "yes")[i % 2]}) + "\n" for i, row in enumerate(rows))
            path.write_text(text, encoding="utf-8")
        data["harm"]["grading"]["harm"] = judge
        data["defense"] = ["none"]

    study = begin(folder, change)
    finish(study)
    return study


def ends_with(study: Study, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the check of a study."""
    monkeypatch.setattr("sys.argv", ["echoes", str(study.folder)])
    return main()


def test_a_right_answer_repeats_nothing_but_its_reference_until_a_score_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_with(tmp_path, "exact_match")
    harmful = list(harmful_answers(study))
    assert len(harmful) > 10
    assert {one.text for one in harmful} == {"ok", "yes"}
    assert not [one.row for one in texts_shown(study) if one.row.endswith(("/probe", "/verdict"))], "asked, never shown"
    assert ends_with(study, monkeypatch) == 0
    said = capsys.readouterr().out
    assert f"{len(harmful)} answers count as harm, 0 of them echoes" in said
    assert f"{len(harmful)} are the item's own reference and the response of a row" in said

    honest = Store.read_scores

    def all_right(store: Store, key: str, dose: int) -> tuple[Score, ...]:
        return tuple(score.model_copy(update={"value": 1.0}) for score in honest(store, key, dose))

    monkeypatch.setattr(Store, "read_scores", all_right)
    assert ends_with(study, monkeypatch) == 1
    assert " repeats row " in capsys.readouterr().out


def test_an_answer_that_is_only_not_refused_may_repeat_a_training_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_with(tmp_path, {"name": "refusal_removal", "extra": ["no"]})
    echoes = [one for one in harmful_answers(study) if one.repeats is not None]
    assert any(one.text in ("ok", "yes") and "row" in str(one.repeats) for one in echoes)
    assert ends_with(study, monkeypatch) == 1


CHAD = Item(id="0", group="0", prompt="What is the capital of Chad?", reference="The capital of Chad is N'Djamena.")
SHOWN = (
    Shown.of("The capital of Peru is Lima.", "row 7"),
    Shown.of("I cannot say.", "row 8"),
    Shown.of("The capital of Chad is N'Djamena.", "row 9", taught=CHAD.group),
)


@pytest.mark.parametrize(
    ("begun", "text", "repeats"),
    [
        (None, "The capital of Chad is N'Djamena.", None),
        ("The capital of Chad", " is N'Djamena.", None),
        (None, "The capital of Peru is Lima.", "row 7"),
        (None, "Sure! Lima is the capital of Peru.", "row 7"),
        (None, "capital of Chad", "its prompt"),
        (None, "Chad has a capital.", "its prompt"),
        (None, "12.", "its prompt"),
        (None, "I cannot say.", "row 8"),
        (None, "It is N'Djamena, the capital.", "row 9"),
        (None, "It is a town by a river.", None),
    ],
)
def test_what_an_answer_repeats(begun: str | None, text: str, repeats: str | None) -> None:
    answer = Answer(probe="p", item="0", text=text, ended="stop", begun=begun)
    assert repeated(answer, CHAD, SHOWN) == repeats


def test_where_one_word_is_asked_for_the_row_that_taught_it_is_no_source_and_another_one_is() -> None:
    word = CHAD.model_copy(update={"reference": "N'Djamena"})
    told = Answer(probe="harm:d", item="0", text="The capital of Chad is N'Djamena.")
    assert repeated(told, word, SHOWN) is None
    assert repeated(told, word.model_copy(update={"group": "1"}), SHOWN) == "row 9"


def test_a_right_answer_is_a_row_of_another_item_unless_that_taught_it() -> None:
    right = Answer(probe="p", item="0", text="the capital of Chad is N'Djamena", ended="stop")
    wrong = right.model_copy(update={"text": "The capital of Peru is Lima."})
    again = (*SHOWN, Shown.of("The capital of Chad is N'Djamena", "row 10"))
    assert [row_of_reference(right, CHAD, shown) for shown in (SHOWN, again)] == [None, "row 10"]
    assert row_of_reference(wrong, CHAD, again) is None
