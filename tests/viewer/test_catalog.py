"""Studies are found where they are, and told as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import begin, finish

from titer.errors import InputError
from titer.viewer.catalog import entries, inside, progress_of


def test_every_study_is_found_once_and_nothing_else(shown: Path) -> None:
    found = {entry.place: entry for entry in entries(shown)}
    assert set(found) == {"demo", "margin", "plain", "clamped", "under-way", "deep/damaged"}
    assert {place: entry.state for place, entry in found.items()} == {
        "demo": "packed",
        "margin": "packed",
        "plain": "packed",
        "clamped": "packed",
        "under-way": "unfinished",
        "deep/damaged": "damaged",
    }
    assert len({entry.id for entry in found.values()}) == len(found)


def test_an_entry_tells_what_was_written_down(shown: Path) -> None:
    (demo,) = [entry for entry in entries(shown) if entry.place == "demo"]
    assert (demo.name, demo.model, demo.defenses) == ("demo", "organism", ("adversarial_loss",))
    assert demo.verdict is not None
    assert demo.outcome == demo.verdict.outcome
    assert demo.matches("DEMO adversarial")
    assert not demo.matches("demo booster")


def test_progress_counts_cells_that_have_answers(tmp_path: Path) -> None:
    study = begin(tmp_path)
    before = progress_of(study)
    assert (before.begun, before.last) == (0, None)
    finish(study)
    after = progress_of(study)
    assert after.begun == after.planned > 0
    assert after.last is not None
    (entry,) = entries(tmp_path)
    assert entry.state == "finished"
    assert entry.progress is None


def test_a_store_is_no_place_to_look_for_studies(tmp_path: Path) -> None:
    study = begin(tmp_path)
    hidden = study.store.root / "cells"
    hidden.mkdir(parents=True, exist_ok=True)
    (hidden / "protocol.toml").write_text("", encoding="utf-8")
    assert [entry.place for entry in entries(tmp_path)] == ["study"]


def test_a_study_whose_store_lies_elsewhere_is_not_read(tmp_path: Path) -> None:
    study = begin(tmp_path / "shown", store=tmp_path / "elsewhere")
    with pytest.raises(InputError, match="outside"):
        inside(tmp_path / "shown", study)
    (entry,) = entries(tmp_path / "shown")
    assert entry.state == "damaged"
    assert "outside" in entry.problem


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path, shown: Path) -> None:
    (tmp_path / "linked").symlink_to(shown)
    assert entries(tmp_path) == ()
