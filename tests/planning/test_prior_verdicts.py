"""A study after a verdict: fresh seeds, and the chain of what came before in its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish

from titer.conclude import conclude, pack, report
from titer.errors import InputError, UnfinishedError


def following(folder: Path, first: int) -> Any:
    def change(data: dict[str, Any]) -> None:
        data["study"] |= {"follows": str(folder), "seeds": {"attack": 2, "first": first}}

    return change


def test_the_chain_of_verdicts_is_carried_from_study_to_study(tmp_path: Path) -> None:
    one = begin(tmp_path, name="one")
    finish(one)
    before = conclude(one).verdict
    assert before.earlier == ()
    two = begin(tmp_path, following(one.folder, 2), name="two")
    finish(two)
    conclusion = conclude(two)
    after = conclusion.verdict
    assert [(e.digest, e.outcome, e.first, e.indices) for e in after.earlier] == [(before.digest, before.outcome, 0, 2)]
    (ledger,) = [path for path in report(conclusion) if path.name == "ledger.md"]
    assert "seeds |" in (text := ledger.read_text(encoding="utf-8"))
    assert "## Earlier verdicts" in text
    assert "0 to 1" in text
    three = begin(tmp_path, following(two.folder, 4), name="three")
    assert [e.digest for e in three.frozen.earlier] == [before.digest, after.digest]


def test_a_packed_study_is_followed_as_its_folder_is(tmp_path: Path) -> None:
    one = begin(tmp_path, name="one")
    finish(one)
    conclude(one)
    pack(one, tmp_path / "packed")
    chains = [
        begin(tmp_path, following(folder, 2), name=f"after-{folder.name}").frozen.earlier
        for folder in (one.folder, tmp_path / "packed")
    ]
    assert chains[0] == chains[1]
    assert len(chains[0]) == 1
    with pytest.raises(InputError, match="'small' used the seeds 0 to 1 already"):
        begin(tmp_path, following(tmp_path / "packed", 1), name="too-early")
    path = tmp_path / "packed" / "verdict.json"
    path.write_text(path.read_text(encoding="utf-8").replace("void", "upheld"), encoding="utf-8")
    with pytest.raises(InputError, match=r"nothing can follow .*verdict.json is not what is concluded"):
        begin(tmp_path, following(tmp_path / "packed", 2), name="forged")
    path.unlink()
    assert begin(tmp_path, following(tmp_path / "packed", 2), name="without").frozen.earlier == chains[0]


def test_seeds_that_were_used_before_are_refused(tmp_path: Path) -> None:
    one = begin(tmp_path, name="one")
    finish(one)
    conclude(one)
    with pytest.raises(InputError, match="'small' used the seeds 0 to 1 already") as caught:
        begin(tmp_path, following(one.folder, 1), name="two")
    assert caught.value.place == "study.seeds.first"


def test_a_study_without_a_verdict_is_not_followed(tmp_path: Path) -> None:
    one = begin(tmp_path, name="one")
    with pytest.raises(InputError, match=r"nothing can follow .*has not been run yet"):
        begin(tmp_path, following(one.folder, 2), name="two")
    with pytest.raises((InputError, UnfinishedError)):
        begin(tmp_path, following(tmp_path / "nowhere", 2), name="three")
