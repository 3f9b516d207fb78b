"""What plan says of a study that can be run, and should not be run unknowing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin

from titer.analysis.sentences.whole import SAME_ROWS
from titer.analysis.verdict import unchecked
from titer.planning.notices import notices
from titer.study.folder import Study

PREPARE = {"defense": "refusal_sft", "train_steps": 1, "domains": ["red"]}
UNCLAMPED = {"name": "adversarial_loss", "train_steps": 1}


def told(study: Study) -> list[str]:
    """All notices but that on the learning rate, which these studies fix."""
    found = notices(study)
    assert sum("is not searched" in notice for notice in found) == 1
    return [notice for notice in found if "is not searched" not in notice]


@pytest.mark.parametrize("clamp", [None, 30.0])
def test_a_defense_that_may_train_to_be_surely_wrong_is_told_with_its_place(
    tmp_path: Path, clamp: float | None
) -> None:
    chosen = UNCLAMPED | ({} if clamp is None else {"clamp": clamp})
    (notice,) = told(begin(tmp_path, lambda data: data.update(defense=[{"name": "no_op"}, chosen])))
    assert notice.startswith("defense.1: adversarial_loss with")
    assert "a guess among" in notice


def test_a_small_clamp_and_other_defenses_are_not_told(tmp_path: Path) -> None:
    assert told(begin(tmp_path)) == []
    assert told(begin(tmp_path, lambda data: data.update(defense=[UNCLAMPED | {"clamp": 1.0}]), name="two")) == []


@pytest.mark.parametrize("own", [False, True])
def test_rows_that_prepare_and_defend_are_told_before_the_run_and_beside_the_verdict(tmp_path: Path, own: bool) -> None:
    def change(data: dict[str, Any]) -> None:
        data["subject"]["prepare"] = PREPARE
        data["benign"][0]["splits"]["prepare"] = 4
        if own:
            data["harm"]["domain"][0]["splits"]["prepare"] = 20

    study = begin(tmp_path, change)
    assert [notice.split(":")[0] for notice in told(study)] == (
        [] if own else ["subject.prepare and the defense are fed the same rows of red"]
    )
    assert (SAME_ROWS in unchecked(study.protocol)) != own
