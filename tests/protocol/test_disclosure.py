"""What a protocol states for others' forms: checked, written down, and without weight in any cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import assays
from support.studies import begin, write_toml
from support.tiny_study import tiny_protocol

from titer.errors import InputError
from titer.planning.plan import Planner
from titer.protocol.loading import load

SAID = {"actor": {"skill": "a student"}, "retest": ["a new attack"]}


def test_it_changes_the_digest_of_a_protocol_and_nothing_where_it_is_left_out() -> None:
    silent, said = assays.protocol(), assays.protocol(lambda data: data.update(disclosure=SAID))
    assert "disclosure" not in silent.to_data()
    assert said.to_data()["disclosure"]["actor"]["skill"] == "a student"
    assert silent.digest != said.digest
    assert type(said).from_json(said.to_json()) == said


def test_no_key_of_a_cell_depends_on_it(tmp_path: Path) -> None:
    def keys(folder: Path, change: Any) -> set[str]:
        return {cell.key for cell in Planner(begin(folder, change)).plan().cells}

    silent = keys(tmp_path / "silent", lambda data: None)
    assert keys(tmp_path / "said", lambda data: data.update(disclosure=SAID)) == silent
    assert len(silent) >= 10


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"actor": {"skill": ""}}, "disclosure.actor.skill"),
        ({"actor": {"rank": "x"}}, "disclosure.actor.rank"),
        ({"marginal_risk": 3}, "disclosure.marginal_risk"),
        ({"retest": ["x" * 2_001]}, "disclosure.retest.0"),
        ({"other": "x"}, "disclosure.other"),
    ],
)
def test_what_is_written_wrongly_is_named(wrong: dict[str, Any], place: str, tmp_path: Path) -> None:
    write_toml(tmp_path / "p.toml", tiny_protocol(tmp_path / "in", disclosure=wrong))
    with pytest.raises(InputError) as caught:
        load(tmp_path / "p.toml")
    assert caught.value.place == place
