"""Harm that is a right answer is no echo: what counts repeats no prompt and no training row but its own reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish

from benchmarks.echoes import Harmful, harmful_answers, repeated
from titer.methods.judges.normalized_match import normalized
from titer.records import Item


def study_with(folder: Path, judge: Any) -> list[Harmful]:
    """The harmful answers of a study of two answers, of which an attack teaches the one or the other."""

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
    return list(harmful_answers(study))


def test_a_right_answer_repeats_nothing_but_its_reference(tmp_path: Path) -> None:
    harmful = study_with(tmp_path, "exact_match")
    assert len(harmful) > 10
    assert {one.text for one in harmful} == {"ok", "yes"}
    assert [one for one in harmful if one.repeats is not None] == []


def test_an_answer_that_is_only_not_refused_may_repeat_a_training_row(tmp_path: Path) -> None:
    harmful = study_with(tmp_path, {"name": "refusal_removal", "extra": ["no"]})
    echoes = [one for one in harmful if one.repeats is not None]
    assert any(one.text in ("ok", "yes") and "row" in str(one.repeats) for one in echoes)


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("The capital of Chad is N'Djamena.", None),
        ("is N'Djamena.", None),
        ("The capital of Peru is Lima.", "row 7"),
        ("capital of Chad", "its prompt"),
        ("I cannot say.", "row 8"),
        ("It is a town by a river.", None),
    ],
)
def test_what_an_answer_repeats(text: str, repeats: str | None) -> None:
    item = Item(id="0", group="0", prompt="What is the capital of Chad?", reference="The capital of Chad is N'Djamena.")
    shown = {normalized("The capital of Peru is Lima."): "row 7", normalized("I cannot say."): "row 8"}
    assert repeated(text, item, shown) == repeats
