"""The page on packed results and the pack that is kept of the demonstration.

Where the keys of cells, the rules of a verdict or the form of a pack change, the pack is made anew by

    rm -r docs/results/demo && titer demo --out titer-demo && titer pack titer-demo docs/results/demo
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from itertools import chain
from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq
import pytest
from support import ROOT
from support.command import Here

from benchmarks import attack_table
from titer.analysis.concluding import Conclusion, conclude_path
from titer.cli.app import EXAMPLES
from titer.cli.output import EXIT
from titer.data.identifiers import ProbeKind
from titer.protocol.loading import load
from titer.records import CellPurpose, Kind
from titer.study.folder import CELLS, SCORES
from titer.study.judging import GRADING
from titer.study.packed_rows import TYPES, CellRow, ScoreRow, columns_of
from titer.study.packed_tables import read_whole

PAGE = ROOT / "docs" / "concepts" / "packed-results.md"
DEMO = ROOT / "docs" / "results" / "demo"
LIMIT_BYTES = 1_100_000


def explained(table: str) -> list[tuple[str, str]]:
    """Name and type of every column that the page explains of a table."""
    _, section = PAGE.read_text(encoding="utf-8").split(f"### {table}\n")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section.split("\n### ")[0], flags=re.MULTILINE)
    return [(name, kind) for name, kind in rows]


@pytest.mark.parametrize(("table", "row"), [(CELLS, CellRow), (SCORES, ScoreRow)])
def test_the_page_explains_every_column(table: str, row: type[CellRow] | type[ScoreRow]) -> None:
    names = dict(
        zip(map(str, TYPES.values()), ("string", "int64", "float64", "list of int64", "list of float64"), strict=True)
    )
    expected = [(c.name, names[str(c.type)] + (" or null" if c.nullable else "")) for c in columns_of(row)]
    assert explained(table) == expected


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("purpose", get_args(CellPurpose)),
        ("probe", get_args(ProbeKind)),
        ("role", (*chain.from_iterable(GRADING.values()), "refusal", "correct", "loss")),
        ("kind", get_args(Kind)),
    ],
)
def test_the_page_lists_every_value_of_a_column(column: str, values: tuple[str, ...]) -> None:
    (row,) = re.findall(rf"^\| `{column}` \| string \| (.{{9,}}) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name.partition(":")[0] for name in re.findall(r"`([\w:]+)`", row)}
    assert listed == {*values}


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"<!-- tested -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 5
    monkeypatch.chdir(ROOT)
    exec(code, {})
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()[-2:]] == ["defended", "undefended"]


def test_every_link_of_the_page_is_there() -> None:
    for name in re.findall(r"docs/results/[\w./-]+", PAGE.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


# ------------------------------------------------------------------------------------------------ the demonstration
@pytest.mark.parametrize("what", [".", CELLS, SCORES])
def test_the_pack_of_the_demonstration_gives_its_verdict(what: str, tmp_path: Path, here: Here) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    done = here("verdict", tmp_path / "demo" / what, "--json")
    assert done.out == (DEMO / "verdict.json").read_text(encoding="utf-8")
    assert done.code == EXIT["refuted"]


def test_the_report_of_the_demonstration_is_what_its_pack_gives(tmp_path: Path, here: Here) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    assert here("report", tmp_path / "demo").code == 0
    for name in ("report.md", "ledger.md", "report.json"):
        assert (tmp_path / "demo" / name).read_bytes() == (DEMO / name).read_bytes(), name


def test_it_is_the_demonstration_that_titer_runs() -> None:
    assert read_whole(DEMO).protocol == load(DEMO / "protocol.toml") == load(EXAMPLES / "demo.toml")


def test_what_is_kept_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < LIMIT_BYTES
    assert pq.read_metadata(DEMO / SCORES).num_rows > 50_000


# ------------------------------------------------------------------------------------------------ other studies
@cache
def concluded(folder: Path) -> Conclusion:
    """What is concluded from a pack, which is not changed here."""
    return conclude_path(folder)


@pytest.mark.parametrize(("pack", "example"), [("attacks", "organism-attacks"), ("margin", "organism-margin")])
def test_another_pack_gives_its_verdict_and_is_of_its_protocol(pack: str, example: str) -> None:
    folder = DEMO.parent / pack
    assert concluded(folder).verdict.to_json() + "\n" == (folder / "verdict.json").read_text(encoding="utf-8")
    assert load(folder / "protocol.toml") == load(ROOT / "examples" / f"{example}.toml")


RESULTS = DEMO.parent
OTHERS = [
    path.parent for path in sorted(RESULTS.rglob("verdict.json")) if path.parent not in (DEMO, RESULTS / "attacks")
]


MARKED = [
    pytest.param(path, id=str(path.relative_to(RESULTS)), marks=pytest.mark.slow if many else pytest.mark.long)
    for path, many in ((path, path.parent.name == "organism") for path in OTHERS)
]


@pytest.mark.parametrize("folder", MARKED)
def test_every_pack_gives_the_verdict_that_is_kept_with_it(folder: Path) -> None:
    assert conclude_path(folder).verdict.to_json() + "\n" == (folder / "verdict.json").read_text(encoding="utf-8")


EXACT = [RESULTS / "topics", RESULTS / "topics-search", *(path for path in OTHERS if path.parent.name == "smollm2")]
"""Studies whose harm is a right answer."""


@pytest.mark.parametrize("folder", EXACT, ids=lambda folder: str(folder.relative_to(RESULTS)))
def test_no_answer_of_a_real_model_that_counts_as_harm_is_said_to_two_prompts_or_is_a_refusal(folder: Path) -> None:
    """An echo of a row that was trained on, or one sentence for all prompts, would be said to several."""
    columns = ["role", "probe", "item", "value", "text_digest"]
    scores = pq.read_table(folder / SCORES, columns=columns, filters=[("value", "==", 1)]).to_pylist()
    said = {(one["text_digest"], one["probe"], one["item"]) for one in scores if one["role"] == "harm"}
    digests = {digest for digest, *_ in said}
    assert len(digests) > 100
    assert len(said) == len(digests)
    assert digests.isdisjoint(one["text_digest"] for one in scores if one["role"] == "refusal")


def test_the_table_of_attacks_is_what_its_pack_gives(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attack_table, "conclude_path", concluded)
    attack_table.main(DEMO.parent / "attacks")
    _, table = capsys.readouterr().out.split("\n\n", maxsplit=1)
    assert (DEMO.parent / "attacks.md").read_text(encoding="utf-8").endswith(table)


def test_every_committed_result_is_packed() -> None:
    """`titer plan` and `titer run` unpack in place: what they leave is no result."""
    results = ROOT / "docs" / "results"
    assert sorted(results.rglob("verdict.json"))
    assert not [*results.rglob("tasks.jsonl"), *results.rglob("frozen.json"), *results.rglob("standing.jsonl")]
