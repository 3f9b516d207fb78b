"""What every command does and prints, on one small study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.command import titer, toml

from titer import cli
from titer.cli import app
from titer.cli.show import duration
from titer.protocol import load
from titer.records import Verdict


def document(*arguments: object) -> Any:
    """The one JSON document that a command prints."""
    done = titer(*arguments, "--json")
    assert done.returncode in (0, 3, 4, 5), done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def assert_narrow(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_run_prints_the_verdict_and_where_the_report_is(finished_once: Path) -> None:
    said = (finished_once / "ran.txt").read_text(encoding="utf-8")
    assert_narrow(said)
    for word in ("resistance", "generalization", "stability", "trainability", "verdict"):
        assert word in said
    assert said.splitlines()[-1] == f"Report: {finished_once / 'report.md'}"
    assert (finished_once / "report.md").exists()
    assert (finished_once / "harm.svg").exists()


def test_the_log_of_a_run_is_lines_with_cells_and_time_left(finished_once: Path) -> None:
    lines = (finished_once / "said.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert len(lines) < 10
    assert all(line.startswith("titer: ") for line in lines)
    assert "32 cells to go, about " in lines[0]
    assert lines[0].endswith(" left")


def test_a_second_run_has_nothing_to_do_and_says_the_same(finished: Path) -> None:
    before = (finished / "verdict.json").read_bytes()
    done = titer("run", finished)
    assert done.returncode == 0
    assert "to go" not in done.stderr
    assert (finished / "verdict.json").read_bytes() == before


def test_plan_says_what_a_study_is_and_costs(tiny_file: Path, tmp_path: Path) -> None:
    done = titer("plan", tiny_file, "--out", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    assert_narrow(done.stdout)
    for part in ("resistance", "direct-", "32, and 5 sham cells", "GiB", "MiB", "Overlap audit: no row"):
        assert part in done.stdout
    assert done.stderr == ""


def test_plan_as_json_counts_the_cells(tiny_file: Path, tmp_path: Path) -> None:
    found = document("plan", tiny_file, "--out", tmp_path / "s", "--jobs", 2)
    assert found["cells"] == sum(row["cells"] for row in found["cells_by_purpose"]) == 32
    assert found["cells_to_go"] == 37
    assert found["overlaps"] == []
    assert found["seconds"] > 0
    assert found["memory_bytes"] > found["disk_bytes"] > 0
    assert "examples" not in found


def test_plan_of_a_finished_study_has_nothing_to_do(finished_once: Path) -> None:
    found = document("plan", finished_once)
    assert (found["cells"], found["cells_to_go"], found["seconds"]) == (37, 0, 0)


def test_plan_leaves_a_study_that_has_not_begun_open_to_changes(tiny_file: Path, tmp_path: Path) -> None:
    study, own = tmp_path / "s", tmp_path / "own.toml"
    own.write_text(tiny_file.read_text(encoding="utf-8"), encoding="utf-8")
    first = document("plan", own, "--out", study)
    assert not (study / "frozen.json").exists()
    own.write_text(tiny_file.read_text(encoding="utf-8").replace("attack = 5", "attack = 6"), encoding="utf-8")
    assert document("plan", own, "--out", study)["cells"] > first["cells"]


def test_plan_shows_what_training_and_probing_look_like(tiny_file: Path, tmp_path: Path) -> None:
    arguments = ("plan", tiny_file, "--out", tmp_path / "s", "--show", 2)
    text = titer(*arguments).stdout
    assert "<user>red " in text
    assert "<assistant>[o][k][<end>]" in text
    found = document(*arguments)
    by_source: dict[str, int] = {}
    for example in found["examples"]:
        source, _, rest = example["place"].partition(", row ")
        by_source[source] = by_source.get(source, 0) + ("refusal" not in rest)
        counted = "".join(piece for piece, in_loss in example["pieces"] if in_loss)
        assert counted in ("ok<end>", "no<end>", "it is<end>", "1<end>")
    assert set(by_source.values()) == {2}
    assert "domain/red/attack" in by_source
    assert not any(source.endswith(("/probe", "/verdict")) for source in by_source)
    assert {prompt["place"].split(",")[0] for prompt in found["prompts"]} >= {"harm:red", "harm:blue", "task:sums"}
    assert all(prompt["pieces"][0][0].endswith("<assistant>") for prompt in found["prompts"])


def test_plan_can_time_the_machine(tiny_file: Path, tmp_path: Path) -> None:
    found = document("plan", tiny_file, "--out", tmp_path / "s", "--calibrate")
    assert found["calibrated"] is True
    assert 0 < found["seconds"] < 600


def test_judge_gives_a_second_opinion_without_models(finished: Path) -> None:
    shutil.rmtree(finished / "store" / "subjects")
    before = (finished / "verdict.json").read_bytes()
    done = titer("judge", finished, "--judge", "refusal")
    assert done.returncode == 0, done.stderr
    assert_narrow(done.stdout)
    assert done.stdout.startswith("Second opinion: the same answers under refusal")
    assert "the verdict of record is unchanged" in done.stdout
    assert len(done.stdout.splitlines()) < 25
    found = document("judge", finished, "--judge", "refusal")
    assert found["judge_of_record"]["name"] == "exact"
    for name in ("answers", "of_record", "second", "agree"):
        assert sum(row[name] for row in found["totals"]) == sum(row[name] for row in found["rungs"])
    assert (finished / "verdict.json").read_bytes() == before
    assert titer("verdict", finished).returncode == 5


def test_the_judge_of_record_agrees_with_itself(finished: Path) -> None:
    for name, role in (("exact", "harm"), ("coherence", "coherence")):
        found = document("judge", finished, "--judge", name)
        assert found["role"] == role
        for row in found["rungs"]:
            assert row["second"] == row["of_record"]
            assert row["agree"] == row["both_judged"]


def test_verdict_is_the_one_that_was_written(finished_once: Path) -> None:
    done = titer("verdict", finished_once, "--json")
    assert done.stdout == (finished_once / "verdict.json").read_text(encoding="utf-8")
    assert Verdict.from_json(done.stdout).word == "void"
    assert_narrow(titer("verdict", finished_once).stdout)


def test_report_is_written_anew(finished: Path) -> None:
    report = (finished / "report.md").read_bytes()
    for name in ("report.md", "report.json", "harm.png", "verdict.json"):
        (finished / name).unlink()
    done = titer("report", finished)
    assert (done.returncode, done.stdout) == (0, f"{finished / 'report.md'}\n")
    assert (finished / "report.md").read_bytes() == report
    assert (finished / "harm.png").exists()
    assert (finished / "report.json").exists()


@pytest.mark.parametrize("kind", ["attacks", "defenses", "probes", "judges"])
def test_list_names_the_methods_with_their_parameters(kind: str) -> None:
    from titer.catalogue import KINDS

    found = document("list", kind)
    assert [method["name"] for method in found] == sorted(KINDS[kind])
    assert all(method["what"].endswith(".") for method in found)
    assert_narrow(titer("list", kind).stdout)


def test_list_tells_required_parameters_from_defaults() -> None:
    checkpoint = next(method for method in document("list", "defenses") if method["name"] == "checkpoint")
    assert checkpoint["required"] == ["model"]
    direct = next(method for method in document("list", "attacks") if method["name"] == "direct")
    assert direct["defaults"]["batch"] == 8


def test_immunize_writes_a_model_that_transformers_loads(finished: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "immune"
    done = titer("immunize", finished, folder)
    assert done.returncode == 0, done.stderr
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert sum(weight.numel() for weight in model.parameters()) > 0
    assert AutoTokenizer.from_pretrained(folder).chat_template
    assert "adversarial\\_loss" in (folder / "README.md").read_text(encoding="utf-8")
    again = titer("immunize", finished, folder)
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)


def test_attack_prints_the_curve_of_one_attack(tiny_file: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    rows = document("attack", tiny_file, "--out", study, "--domain", "blue", "--index", 3)
    assert [row["dose"] for row in rows] == [0, 4, 8, 16][: len(rows)]
    assert all(row["items"] == 30 for row in rows)
    assert rows[0]["displacement"] == 0 < rows[-1]["displacement"]
    assert rows[-1]["harmful"] > rows[0]["harmful"]
    assert not (study / "verdict.json").exists()
    assert titer("verdict", study).returncode == 1
    assert_narrow(titer("attack", study, "--domain", "blue", "--index", 3).stdout)


def test_pack_without_text_keeps_the_verdict_and_loses_the_texts(finished: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    assert titer("pack", finished, packed, "--without-text").returncode == 0
    assert titer("verdict", packed, "--json").stdout == titer("verdict", finished, "--json").stdout
    judged = titer("judge", packed, "--judge", "refusal")
    assert (judged.returncode, "packed away" in judged.stderr) == (2, True)
    texts = "".join(path.read_text(encoding="utf-8") for path in packed.rglob("cells/*/*.jsonl"))
    assert '"text_digest":"' in texts
    assert '"text":"' not in texts


def test_init_writes_a_protocol_that_is_valid(tmp_path: Path) -> None:
    done = titer("init", tmp_path / "new")
    assert done.returncode == 0
    assert load(tmp_path / "new" / "protocol.toml").study.name == "demo"
    assert titer("init", tmp_path / "new").returncode == 2


def test_demo_runs_the_protocol_that_comes_with_titer(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The wiring alone: the organism's own study takes minutes."""
    shutil.copyfile(finished / "protocol.toml", tmp_path / "demo.toml")
    monkeypatch.setattr(app, "EXAMPLES", tmp_path)
    assert cli.command(["demo", "--out", str(finished), "--json"]) == 0
    assert capsys.readouterr().out == (finished / "verdict.json").read_text(encoding="utf-8")


def test_toml_is_read_back_as_it_was() -> None:
    import tomllib

    data = {"a": {"b": [1, 2.5, "x\n"], "c": True}, "d": [{"e": []}, {}]}
    assert tomllib.loads(toml(data)) == data


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (9_000, "2 h 30 min")])
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
