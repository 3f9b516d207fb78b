"""Studies side by side: what may not be compared is refused by name, and what is not known is not made up."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.command import Here

from titer.analysis.findings import Verdict
from titer.errors import InputError
from titer.protocol.loading import load
from titer.protocol.schema import Protocol
from titer.records import canonical
from titer.report.comparison.chart import comparison_chart
from titer.report.comparison.comparable import MUST, check_comparable, footnotes
from titer.report.comparison.rows import EVERY, NUMBERED, ComparedStudy, Comparison, compare
from titer.report.comparison.texts import cells, markdown_table

RESULTS = ROOT / "docs" / "results"
SEED = RESULTS / "seed-finding"
WEAK, STRONG = SEED / "weight-0-clamp-7", SEED / "weight-4-clamp-28"


def study(folder: Path) -> ComparedStudy:
    verdict = Verdict.from_json((folder / "verdict.json").read_text(encoding="utf-8"))
    return ComparedStudy(name=folder.name, verdict=verdict, protocol=load(folder / "protocol.toml"))


def changed(change: Callable[[dict[str, Any]], None]) -> Protocol:
    data = load(WEAK / "protocol.toml").to_data()
    change(data)
    return Protocol.model_validate_json(canonical(data))


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "threshold": lambda data: data["harm"].update(threshold=0.3),
    "confidence level": lambda data: data["study"].update(confidence=0.9),
    "share of attackers": lambda data: data["study"].update(share=0.4),
    "kind of claim": lambda data: data["study"].update(claim="this method"),
    "budget": lambda data: data["attacker"]["budget"].update(steps=32),
    "domain items": lambda data: data["harm"]["domain"][0]["splits"].update(probe=119),
    "judge": lambda data: data["harm"]["grading"]["harm"].update(name="exact_match"),
    "way of asking": lambda data: data["harm"]["frame"].update(max_new_tokens=9),
    "attack configuration": lambda data: data["attacker"]["attack"][0]["parameters"].update(lr=1e-3),
    "rule of stability": lambda data: data["stability"].update(margin=0.1),
    "rule of trainability": lambda data: data["trainability"].update(margin=0.2),
}


@pytest.mark.parametrize("what", MUST)
def test_what_must_be_the_same_is_refused_by_its_name(what: str) -> None:
    mine, theirs = load(WEAK / "protocol.toml"), changed(CHANGES[what])
    with pytest.raises(InputError, match=f"the {what} is .*, and that of one is ") as caught:
        check_comparable([("one", mine), ("two", theirs)])
    assert caught.value.place == "two"
    assert len(str(caught.value)) < 1_000


def test_what_may_differ_is_a_footnote() -> None:
    mine = load(WEAK / "protocol.toml")
    theirs = changed(lambda data: data["study"]["seeds"].update(first=7))
    check_comparable([("one", mine), ("two", theirs)])
    assert footnotes([mine, theirs]) == ("The studies differ in seeds.",)
    assert footnotes([mine, mine]) == ()


def test_rows_say_what_the_verdicts_say() -> None:
    found = compare([study(WEAK), study(STRONG)])
    assert [(row.study, row.subject) for row in found.rows] == [
        (folder.name, role) for folder in (WEAK, STRONG) for role in ("undefended", "defended")
    ]
    weak, strong = (cells(row) for row in found.rows if row.subject == "defended")
    assert weak["resistance"].startswith("refuted: 0 of 5 hold")
    assert strong["resistance"].startswith("undecided: 5 of 5 hold, at most 50 % break")
    assert weak["first broken"].startswith("resistance: steps 8 to 16")
    assert strong["first broken"].startswith("resistance: steps above 64 (4 of 5 broken)"), "one seed is censored"
    (broken,) = (cells(row) for row in compare([study(RESULTS / "topics")]).rows if row.subject == "defended")
    assert "generalization: steps before any attack" in broken["first broken"], "48 of 100 answers at dose 0"
    assert strong["stability"] == "refuted: refusal of vaults -99.8 points (-99.9, -96.6)"
    assert strong["trainability"] == "upheld: 22 steps"
    assert weak["cost"] == "–", "without the scores it is not known"
    (row,) = (row for row in found.rows if (row.study, row.subject) == (STRONG.name, "defended"))
    (resistance,) = (one for one in row.breaking if one.condition == "resistance")
    assert (resistance.low, resistance.high) == (64, None)
    assert Comparison.from_json(found.to_json()) == found


def test_an_undefended_subject_of_which_all_say_the_same_stands_once() -> None:
    weak, strong = study(WEAK), study(STRONG)
    found = compare([weak, strong])
    assert [(row.study, row.subject) for row in found.shown] == [
        (EVERY, "undefended"), (WEAK.name, "defended"), (STRONG.name, "defended")
    ]  # fmt: skip
    assert markdown_table(found).count("| undefended |") == 1
    other = found.rows[2].model_copy(update={"training_steps": (18.0,)})
    differing = found.model_copy(update={"rows": (*found.rows[:2], other, found.rows[3])})
    assert differing.shown == differing.rows
    partly = found.model_copy(update={"rows": (found.rows[0], *found.rows[2:], found.rows[1], found.rows[1])})
    assert partly.shown == partly.rows, "one of the studies has no undefended subject"


def test_a_hostile_name_is_text_in_the_table() -> None:
    told = study(WEAK)
    named = told.verdict.model_copy(update={"study": "<b>|x\x1b[31m"})
    text = markdown_table(compare([study(STRONG), ComparedStudy(name="x", verdict=named, protocol=told.protocol)]))
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "&lt;b&gt;\\|x" in text


def test_studies_of_one_name_are_told_apart_in_the_rows_and_in_the_chart() -> None:
    twins = [study(STRONG), study(STRONG), study(WEAK)]
    found = compare(twins)
    name = STRONG.name
    assert list(dict.fromkeys(row.study for row in found.rows)) == [f"1. {name}", f"2. {name}", WEAK.name]
    assert found.notes[-1] == NUMBERED
    chart = comparison_chart(found)
    assert chart is not None
    text = json.dumps(chart.to_dict())
    assert f"1. {name}, defended" in text
    assert f"2. {name}, defended" in text
    assert NUMBERED not in compare(twins[1:]).notes


def test_a_censored_bar_is_told_from_one_that_ends() -> None:
    chart = comparison_chart(compare([study(WEAK), study(STRONG)]))
    assert chart is not None
    text = json.dumps(chart.to_dict())
    assert '"says": "4 of 5 broken"' in text
    assert text.count('"censored": true') == 1


def test_the_gallery_is_up_to_date() -> None:
    gallery = runpy.run_path(str(ROOT / "docs" / "make_gallery.py"))
    assert (RESULTS / "README.md").read_text(encoding="utf-8") == gallery["page"](), "run `python docs/make_gallery.py`"
    shown = {one.name for group in gallery["groups"]() for one in group}
    assert shown == {path.parent.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("verdict.json")}
    for number in range(1, len(gallery["groups"]()) + 1):
        assert (ROOT / "docs" / "images" / f"gallery-{number}.svg").exists()


def test_compare_prints_and_writes(here: Here, tmp_path: Path) -> None:
    done = here("compare", WEAK, STRONG, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= max(80, len(str(tmp_path)) + 40)
    assert "operations" in done.out
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["compare.json", "compare.md", "compare.png", "compare.svg"]
    written = Comparison.from_json((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert all(row.flops for row in written.rows)


def test_what_cannot_be_compared_ends_with_2_and_writes_nothing(here: Here, tmp_path: Path) -> None:
    done = here("compare", WEAK, RESULTS / "demo", "--out", tmp_path / "out")
    assert (done.code, "the budget is" in done.err) == (2, True)
    assert not (tmp_path / "out").exists()
    assert here("compare", WEAK).code == 2
    (tmp_path / "empty").mkdir()
    assert here("compare", WEAK, tmp_path / "empty").code == 2
    newer = shutil.copytree(WEAK, tmp_path / "newer")
    root = json.loads((newer / "root.json").read_text(encoding="utf-8"))
    (newer / "root.json").write_text(json.dumps(root | {"format": root["format"] + 1}), encoding="utf-8")
    done = here("compare", WEAK, newer)
    assert (done.code, "which reads format" in done.err) == (2, True)
