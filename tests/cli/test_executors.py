"""Where tasks are done can be chosen by name."""

from __future__ import annotations

import json
from pathlib import Path

from support.command import Here


def test_list_names_the_executors_and_where_they_come_from(here: Here) -> None:
    (local,) = json.loads(here("list", "executors", "--json").out)
    assert (local["name"], local["from"]) == ("local", "titer")
    assert "processes" in local["what"]


def test_an_unknown_executor_is_told_before_the_study_is_begun(here: Here, tiny_file: Path, tmp_path: Path) -> None:
    ran = here("run", tiny_file, "--out", tmp_path / "study", "--executor", "locale")
    assert ran.code == 2
    assert "--executor: unknown executor 'locale'. Did you mean 'local'? Known: local." in ran.err.replace("\n", " ")
    assert not (tmp_path / "study").exists()
