"""The table of `python -m benchmarks.tampering`, with one file of each kind and the commands that start no worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tampering.edits import EDITS
from benchmarks.tampering.forgeries import FORGERIES, SAID, VERIFIED
from benchmarks.tampering.subjects import KINDS, made
from benchmarks.tampering.trials import Tally, tally_edits, tally_forgeries

pytestmark = pytest.mark.model
QUICK = ("verify",)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished study and its pack."""
    return made(tmp_path_factory.mktemp("tampering"))


def test_every_change_of_every_kind_of_file_is_noticed_and_named(whole: dict[str, Path], tmp_path: Path) -> None:
    tally = Tally()
    tally_edits(whole, tmp_path / "tampered", QUICK, 1, 1, tally)
    assert tally.unnoticed == []
    assert {what for what, _ in tally.tried} == set(EDITS)
    assert sum(tally.tried.values()) > 7 * sum(len(kinds) for kinds in KINDS.values()) - 10


def test_every_forgery_is_noticed_and_named(whole: dict[str, Path], tmp_path: Path) -> None:
    tally = Tally()
    tally_forgeries(FORGERIES, whole["study"], tmp_path / "forged", ("verdict", "run"), tally)
    assert tally.unnoticed == []
    assert {what for what, _ in tally.tried} == set(FORGERIES)


def test_what_only_verify_compares_or_says_is_noticed(whole: dict[str, Path], tmp_path: Path) -> None:
    tally = Tally()
    tally_forgeries(VERIFIED, whole["study"], tmp_path / "forged", QUICK, tally)
    tally_forgeries(SAID, whole["study"], tmp_path / "forged", QUICK, tally, codes=(0,))
    assert tally.unnoticed == []
    assert sum(tally.noticed.values()) == len(VERIFIED) + len(SAID)
