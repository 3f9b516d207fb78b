"""The page on the statistics as a library: its examples print what it says, its reader refuses the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats as scipy_stats
from support import ROOT
from support.pages import names_of
from support.rows import write_jsonl

import titer.stats

PAGE = ROOT / "docs" / "concepts" / "statistics-library.md"
FOLDER = ROOT / "tests" / "stats" / "lm_eval"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    return names_of(PAGE, 30)


def test_the_examples_print_what_the_page_says(names: dict[str, Any]) -> None:
    assert names["defended"].reject
    assert names["ratio"].reject


def test_every_function_the_page_names_is_offered() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| question |")[2].partition("\n\n")[0]
    functions = re.findall(r"`(\w+)`", table)
    assert len(functions) >= 10
    assert set(functions) <= set(titer.stats.__all__)


def test_on_the_samples_the_numbers_are_scipys_where_it_has_the_method(names: dict[str, Any]) -> None:
    """At a margin of 0 Tango's score is McNemar's, whose exact conditional test is binomial in the changes."""
    before, after = names["before"], names["after"]
    for samples in (before, after):
        found = titer.stats.rate_test(list(samples.values()), 0.85, alternative="greater")
        oracle = scipy_stats.binomtest(int(sum(samples.values())), 200, 0.85, alternative="greater")
        ends = scipy_stats.binomtest(int(sum(samples.values())), 200).proportion_ci(0.9, method="exact")
        assert found.pvalue == pytest.approx(oracle.pvalue, rel=1e-10)
        assert found.limits == pytest.approx((ends.low, ends.high), abs=1e-10)
    pairs = names["paired"](after, before)
    changes = titer.stats.noninferiority_test(*pairs, margin=0.05)
    worse = [float(a < b) for a, b in zip(*pairs, strict=True)]
    assert (changes.better, changes.worse, changes.estimate) == (2, 5, (2 - 5) / 200)
    share = titer.stats.loss_test([-a for a in pairs[0]], [-b for b in pairs[1]], margin=0.0, share=0.05)
    assert share.pvalue == pytest.approx(scipy_stats.binomtest(int(sum(worse)), 200, 0.05, alternative="less").pvalue)


def test_the_reader_refuses_what_does_not_fit(names: dict[str, Any], tmp_path: Path) -> None:
    lines = [json.loads(line) for line in next(FOLDER.glob("after/*.jsonl")).read_text(encoding="utf-8").splitlines()]
    read: Callable[..., dict[tuple[int, str], float | None]] = names["read_samples"]
    assert len(lines) == len(read(write_jsonl(tmp_path / "all", lines), "exact_match")) == 200
    with pytest.raises(ValueError, match="document 3 is there twice"):
        read(write_jsonl(tmp_path / "twice", [*lines, lines[3]]), "exact_match")
    two_filters = [{**line, "filter": name} for line in lines for name in ("strict-match", "flexible-extract")]
    path = write_jsonl(tmp_path / "filters", two_filters)
    assert len(read(path, "exact_match", "strict-match")) == 200
    with pytest.raises(ValueError, match="no sample of the filter 'none'"):
        read(path, "exact_match")
    changed = write_jsonl(tmp_path / "changed", [{**lines[0], "doc_hash": "of another document"}, *lines[1:]])
    with pytest.raises(ValueError, match=r"differ in documents \[0, 0\], 2 in all"):
        names["paired"](read(changed, "exact_match"), names["before"])
    without = [{key: value for key, value in line.items() if key != "exact_match"} for line in lines[:2]]
    assert set(read(write_jsonl(tmp_path / "missing", without), "exact_match").values()) == {None}


def test_pairs_do_not_depend_on_the_order_of_lines(names: dict[str, Any]) -> None:
    backwards = dict(reversed(names["after"].items()))
    there, back = names["paired"](names["after"], names["before"]), names["paired"](backwards, names["before"])
    assert sorted(zip(*there, strict=True)) == sorted(zip(*back, strict=True))
