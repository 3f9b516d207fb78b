"""What plan shows of training and probing: rows that are trained on, and nothing else as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.studies import begin

from titer.planning.preview import preview


def test_rows_that_are_only_asked_are_no_training_examples(tmp_path: Path) -> None:
    def gate(data: dict[str, Any]) -> None:
        for part in ("defense", "stability", "task"):
            del data[part]
        data["harm"]["domain"] = data["harm"]["domain"][:1]
        data["harm"]["domain"][0]["splits"] = {"attack": 20, "select": 10, "probe": 16}
        data["benign"][0]["splits"] = {"sham": 20, "usable": 20, "select": 10}
        data["usability"] = {"answered": 0.5}

    shown = preview(begin(tmp_path, gate), 1)
    splits = {one.place.partition(",")[0] for one in shown.examples}
    assert splits == {"domain/red/attack", "benign/sham"}
    assert {one.place.partition(",")[0] for one in shown.prompts} >= {"harm:red", "usable"}
