"""What commands print fits 80 columns, where a Chinese sign takes two; hostile names stay text."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from rich.cells import cell_len
from support import ROOT
from support.command import Here
from support.studies import write_toml
from support.tiny_study import tiny_protocol

from titer.cli import output
from titer.cli.methods.described import NOT_SAID
from titer.cli.methods.show import OF_KIND
from titer.cli.planning.plan import _print_examples
from titer.methods.registry import CATALOGS, known
from titer.planning.preview import Preview, Shown

DEMO = ROOT / "docs" / "results" / "demo"
HOSTILE = "\x1b[31mred\x07\u202e\u2066 [bold]中文名字[/bold]\r\n"


def assert_fits(text: str) -> None:
    """No line is wider than 80 columns, but for a path that cannot be broken; nothing paints."""
    for line in text.splitlines():
        longest_word = max(map(cell_len, line.split()), default=0)
        assert cell_len(line) <= 80 or ("/" in line and longest_word > 60), line
        assert line.isprintable(), line


@pytest.mark.parametrize("kind", ["attacks", "defenses", "probes", "judges", "executors", "presets", "checkpoints"])
def test_lists_fit_80_columns(kind: str, here: Here) -> None:
    done = here("list", kind)
    assert done.code == 0, done.err
    assert_fits(done.out)
    if kind in CATALOGS:
        assert len(done.out.splitlines()) == len(CATALOGS[kind].names) + 2, "a line each, a title and a header"


def test_the_verdict_is_short_and_cuts_neither_the_claim_nor_a_number(tmp_path: Path, here: Here) -> None:
    study = shutil.copytree(DEMO, tmp_path / "demo")
    verdict = here("verdict", study)
    assert verdict.code == 3, verdict.err
    assert_fits(verdict.out)
    assert len(verdict.out.splitlines()) <= 50
    assert "…" not in verdict.out.partition("Not tested")[0]
    assert verdict.out.splitlines()[-1] == f"Details: titer report {study}"


def test_plan_fits_80_columns_and_shows_hostile_rows_as_text(tmp_path: Path, here: Here) -> None:
    data = tiny_protocol(tmp_path / "inputs")
    rows = tmp_path / "inputs" / "red.jsonl"
    hostile = json.dumps("\x1b[31m中文\u202e")[1:-1]
    rows.write_text(rows.read_text(encoding="utf-8").replace('"red ', f'"red {hostile} '), encoding="utf-8")
    write_toml(tmp_path / "wide.toml", data)
    done = here("plan", tmp_path / "wide.toml", "--out", tmp_path / "study", "--show", 2)
    assert done.code == 0, done.err
    assert "red" in done.out
    assert_fits(done.out)


def test_examples_are_shown_as_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    pieces = ((HOSTILE * 3, False), ("中文" * 60, True))
    _print_examples(Preview((Shown(HOSTILE, pieces),), ()))
    text = capsys.readouterr().out
    assert_fits(text)
    assert "中文名字" in text


@pytest.mark.parametrize("kind", OF_KIND)
def test_show_tells_every_parameter_with_type_default_and_meaning(kind: str, here: Here) -> None:
    for name, method in known(OF_KIND[kind]).items():
        text = here("show", kind, name).out
        assert_fits(text)
        assert NOT_SAID not in text
        heads = [line for line in text.splitlines() if re.match(r"  \w+: ", line)]
        assert {line.split(":")[0].strip() for line in heads} >= method.model_fields.keys()
    assert here("show", kind, "no_such_name").code == 2


def test_show_as_json_has_the_same(here: Here) -> None:
    found = json.loads(here("show", "defense", "checkpoint", "--json").out)
    (model,) = (one for one in found["parameters"] if one["name"] == "model")
    assert (model["type"], model["default"]) == ("text", None)
    assert found["facts"]["needs"] == "depends on its parameters"


def test_list_verbose_has_all_that_show_has(here: Here) -> None:
    text = here("list", "probes", "--verbose").out
    for name in CATALOGS["probes"].names:
        assert here("show", "probe", name).out.strip() in text


def test_hostile_names_stay_text_in_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [{"name": HOSTILE, "what": HOSTILE * 20}, {"name": "x" * 1_000_000, "what": "字" * 500_000}]
    output.print_lines(HOSTILE, rows)
    lines = capsys.readouterr().out
    assert_fits(lines)
    assert len(lines.splitlines()) == 4
    output.print_rows(HOSTILE, rows)
    output.print_facts(HOSTILE, rows[0])
    output.print_text("字" * 1_000_000, indent=4)
    text = capsys.readouterr().out
    assert_fits(text)
    assert "[bold]" in text
    assert len(text.splitlines()) < 400


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(40.4, "40 s"), (600, "10 min"), (7500, "2 h 5 min"), (47 * 3600, "47 h 0 min"), (100 * 3600, "4 days 4 h")],
)
def test_times_are_said_in_human_units(seconds: float, said: str) -> None:
    assert output.duration(seconds) == said
