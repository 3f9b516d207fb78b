"""What every command does and prints, on one small study."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command import ENVIRONMENT, Done, Here
from support.studies import contents, write_toml
from support.tiny_study import tiny_protocol

from titer.analysis.findings import Verdict
from titer.cli import app
from titer.cli.output import duration
from titer.conclude import pack
from titer.protocol.loading import load
from titer.study.folder import read_study


def document(done: Done) -> Any:
    """The one JSON document that a command printed."""
    assert done.code in (0, 3, 4, 5), done.err
    assert done.out.count("\n") == 1
    return json.loads(done.out)


def assert_narrow(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


@pytest.fixture(scope="module")
def packed_once(finished_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "packed"
    pack(read_study(finished_once), folder)
    return folder


@pytest.fixture
def packed(packed_once: Path, tmp_path: Path) -> Path:
    """The finished study, packed, to be changed."""
    return shutil.copytree(packed_once, tmp_path / "packed")


def test_pack_packs_and_says_so(finished_once: Path, packed_once: Path, tmp_path: Path, here: Here) -> None:
    done = here("pack", finished_once, tmp_path / "out")
    assert (done.code, done.out) == (0, f"Packed {finished_once} into {tmp_path / 'out'}.\n")
    again, once = (contents(folder.parent, folder.name) for folder in (tmp_path / "out", packed_once))
    assert [*again.values()] == [*once.values()]


def test_run_prints_the_verdict_and_where_the_report_is(finished_once: Path) -> None:
    said = (finished_once / "ran.txt").read_text(encoding="utf-8")
    assert_narrow(said)
    for part in ("Question", "Answer", "resistance", "generalization", "stability", "trainability", "Next"):
        assert part in said
    assert said.splitlines()[-1] == f"Report: {Path('study') / 'report.html'}"
    assert (finished_once / "report.html").exists()
    assert (finished_once / "report.md").exists()
    assert (finished_once / "harm.svg").exists()


def test_the_log_of_a_run_is_lines_with_cells_and_no_time_before_one_was_measured(finished_once: Path) -> None:
    lines = (finished_once / "said.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert len(lines) < 10
    assert all(line.startswith("titer: ") for line in lines)
    assert next(line for line in lines if "cells" in line).endswith("0 of 32 cells done")


def test_a_second_run_has_nothing_to_do_and_says_the_same(finished: Path, here: Here) -> None:
    before = (finished / "verdict.json").read_bytes()
    done = here("run", finished)
    assert done.code == 0
    assert "cells done" not in done.err
    assert (finished / "verdict.json").read_bytes() == before


def test_plan_says_what_a_study_is_and_costs(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    done = here("plan", tiny_file, "--out", tmp_path / "s")
    assert done.code == 0, done.err
    assert_narrow(done.out)
    for part in ("resistance", "direct-", "32, and 5 that follow", "at least 0 MiB", "Overlap audit: no row"):
        assert part in done.out
    assert done.err == ""


def test_plan_as_json_counts_the_cells(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    found = document(here("plan", tiny_file, "--out", tmp_path / "s", "--jobs", 2, "--json"))
    assert found["cells"] == sum(row["cells"] for row in found["cells_by_purpose"]) == 32
    assert found["cells_to_go"] == 37
    assert found["overlaps"] == []
    assert found["seconds"] is None
    assert found["memory_measured"] is False
    assert found["memory_bytes"] > 0
    assert found["disk_bytes"] > 0
    assert "examples" not in found


def test_plan_of_a_finished_study_has_nothing_to_do(finished_once: Path, here: Here) -> None:
    found = document(here("plan", finished_once, "--json"))
    assert (found["cells"], found["cells_to_go"], found["seconds"]) == (42, 0, 0)


def test_plan_leaves_a_study_that_has_not_begun_open_to_changes(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    study, own = tmp_path / "s", tmp_path / "own.toml"
    own.write_text(tiny_file.read_text(encoding="utf-8"), encoding="utf-8")
    first = document(here("plan", own, "--out", study, "--json"))
    assert not (study / "frozen.json").exists()
    own.write_text(tiny_file.read_text(encoding="utf-8").replace('"attack" = 5', '"attack" = 6'), encoding="utf-8")
    assert document(here("plan", own, "--out", study, "--json"))["cells"] > first["cells"]


def test_plan_shows_what_training_and_probing_look_like(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    arguments = ("plan", tiny_file, "--out", tmp_path / "s", "--show", 2)
    text = here(*arguments).out
    assert "<user>red " in text
    assert "<assistant>[o][k][<end>]" in text
    found = document(here(*arguments, "--json"))
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


def test_plan_can_time_the_machine(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    """What was measured stays in the store: the next plan has it, too."""
    found = document(here("plan", tiny_file, "--out", tmp_path / "s", "--measure", "--json"))
    assert found["seconds"] > 0
    entries = [json.loads(line) for line in (tmp_path / "s" / "store" / "runs.jsonl").read_text().splitlines()]
    assert [entry["task"] for entry in entries] == ["measure"] * 3
    opening, answers, steps = (entry["work"] for entry in entries)
    assert (opening["tasks"], opening["tokens"]) == (1, 0)
    assert answers["in_decoding"] > 0
    assert steps["in_batches"] > steps["in_decoding"] == 0
    assert document(here("plan", tiny_file, "--out", tmp_path / "s", "--json"))["seconds"] == found["seconds"]


def test_judge_gives_a_second_opinion_without_models(finished: Path, here: Here) -> None:
    shutil.rmtree(finished / "store" / "subjects")
    before = (finished / "verdict.json").read_bytes()
    done = here("judge", finished, "--judge", "refusal_removal")
    assert done.code == 0, done.err
    assert_narrow(done.out)
    assert done.out.startswith("Second opinion: the same answers under refusal_removal")
    assert "the verdict of record is unchanged" in done.out
    assert len(done.out.splitlines()) < 35
    found = document(here("judge", finished, "--judge", "refusal_removal", "--json"))
    assert found["judge_of_record"]["name"] == "exact_match"
    for name in ("answers", "of_record", "second", "agree"):
        assert sum(row[name] for row in found["totals"]) == sum(row[name] for row in found["doses"])
    assert (finished / "verdict.json").read_bytes() == before
    assert here("verdict", finished).code == 5


def test_the_judge_of_record_agrees_with_itself(finished: Path, here: Here) -> None:
    for name, role in (("exact_match", "harm"), ("coherence", "coherence")):
        found = document(here("judge", finished, "--judge", name, "--json"))
        assert found["role"] == role
        for row in found["doses"]:
            assert row["second"] == row["of_record"]
            assert row["agree"] == row["both_judged"]


def test_a_judge_of_whole_doses_gives_a_second_opinion(finished: Path, here: Here) -> None:
    """The tiny model says a few signs at most, in which nothing of substance can stand."""
    found = document(here("judge", finished, "--judge", "substance", "--json"))
    assert found["role"] == "harm"
    assert sum(row["answers"] for row in found["totals"]) > 0
    assert sum(row["second"] for row in found["totals"]) == 0
    assert document(here("judge", finished, "--judge", "substance", "--json")) == found, "its scores are kept"


def test_verdict_is_the_one_that_was_written(finished_once: Path, here: Here) -> None:
    done = here("verdict", finished_once, "--json")
    assert done.out == (finished_once / "verdict.json").read_text(encoding="utf-8")
    assert Verdict.from_json(done.out).outcome == "void"
    assert_narrow(here("verdict", finished_once).out)


def test_report_is_written_anew(finished: Path, here: Here) -> None:
    report = (finished / "report.md").read_bytes()
    for name in ("report.md", "report.json", "harm.png", "verdict.json"):
        (finished / name).unlink()
    done = here("report", finished)
    names = ("report.html", "report.md", "ledger.md", "report.json")
    assert (done.code, done.out) == (0, "".join(f"{finished / name}\n" for name in names))
    assert (finished / "report.md").read_bytes() == report
    assert (finished / "harm.png").exists()
    assert (finished / "report.json").exists()


@pytest.mark.parametrize("kind", ["attacks", "defenses", "probes", "judges"])
def test_list_names_the_methods_with_their_parameters(kind: str, here: Here) -> None:
    from titer.methods.registry import CATALOGS

    found = document(here("list", kind, "--json"))
    assert [method["name"] for method in found] == sorted(CATALOGS[kind].own)
    assert {method["from"] for method in found} == {"titer"}
    assert all(method["what"].endswith(".") for method in found)
    assert_narrow(here("list", kind).out)


def test_list_tells_required_parameters_from_defaults(here: Here) -> None:
    checkpoint = next(
        method for method in document(here("list", "defenses", "--json")) if method["name"] == "checkpoint"
    )
    assert checkpoint["required"] == ["model"]
    attacks = {method["name"]: method for method in document(here("list", "attacks", "--json"))}
    assert attacks["direct"]["defaults"]["batch"] == 8
    assert attacks["direct"]["against"] == []
    assert attacks["reversal"]["against"] == ["adversarial_loss", "refusal_sft"]
    assert "knows            adversarial_loss, refusal_sft" in here("show", "attack", "reversal").out


def test_immunize_writes_a_model_that_transformers_loads(finished: Path, tmp_path: Path, here: Here) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "immune"
    done = here("immunize", finished, folder)
    assert done.code == 0, done.err
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert sum(weight.numel() for weight in model.parameters()) > 0
    assert AutoTokenizer.from_pretrained(folder).chat_template
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "adversarial\\_loss" in card
    assert re.search(r"^\| time \| \d+ s of one worker \|$", card, re.MULTILINE)
    root = json.loads((finished / "root.json").read_text(encoding="utf-8"))
    assert f"titer verify STUDY --digest {root['root']} --registration {root['registration']}" in card
    assert "no attack is" not in card
    assert "Not looked at: task plain: add `select` to task.1.splits." in done.out
    assert "titer: nothing could be read by which a damaged model would be seen" in done.err
    again = here("immunize", finished, folder)
    assert (again.code, "is not empty" in again.err) == (2, True)


def test_attack_prints_the_curve_of_one_attack(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    study = tmp_path / "s"
    found = document(here("attack", tiny_file, "--out", study, "--domain", "blue", "--index", 3, "--json"))
    assert (found["domain"], found["index"], found["failed"]) == ("blue", 3, None)
    rows = found["doses"]
    assert [row["dose"] for row in rows] == [0, 4, 8, 16][: len(rows)]
    assert all(row["items"] == 30 for row in rows)
    assert rows[0]["displacement"] == 0 < rows[-1]["displacement"]
    assert rows[-1]["harmful"] > rows[0]["harmful"]
    assert not (study / "verdict.json").exists()
    assert here("verdict", study).code == 2
    assert_narrow(here("attack", study, "--domain", "blue", "--index", 3).out)


def test_attack_takes_the_only_model_of_a_protocol_without_a_defense(tmp_path: Path, here: Here) -> None:
    data = tiny_protocol(tmp_path / "in")
    for part in ("defense", "stability", "trainability"):
        del data[part]
    data["study"]["descriptive"] = True
    del data["harm"]["domain"][0]["splits"]["defend"]
    data["benign"][0]["splits"] = {"sham": 20}
    write_toml(tmp_path / "alone.toml", data)
    found = document(here("attack", tmp_path / "alone.toml", "--out", tmp_path / "s", "--json"))
    assert found["subject"] == "defended"


def test_attack_says_where_an_attack_found_no_direction(tmp_path: Path, here: Here) -> None:
    data = tiny_protocol(tmp_path / "in")
    blind = {"name": "refusal_ablation", "kl": 1e-9, "loose_kl": 1e-9, "ladder": {"edits": [0, 1]}}
    data["attacker"]["attack"].append(blind)
    data["attacker"]["budget"]["edits"] = 1
    data["benign"][0]["splits"]["attack"] = 20
    for domain in data["harm"]["domain"]:
        domain["splits"]["select"] = 12
    write_toml(tmp_path / "blind.toml", data)
    asked = ("attack", tmp_path / "blind.toml", "--out", tmp_path / "s", "--attack", "refusal_ablation")
    done = here(*asked)
    assert done.out.endswith("At dose 1 the attack found no direction: the weights stayed as they were.\n")
    assert_narrow(done.out)
    rows = document(here(*asked, "--json"))["doses"]
    assert [(row["dose"], row["displacement"], row["found"]) for row in rows] == [(0, 0, None), (1, 0, "no direction")]


@pytest.mark.parametrize("what", [".", "cells.parquet", "scores.parquet"])
def test_a_packed_study_has_the_verdict_and_the_report_of_its_study(
    what: str, packed: Path, finished_once: Path, here: Here
) -> None:
    written = {name: (finished_once / name).read_bytes() for name in ("verdict.json", "report.md", "report.json")}
    for name in written:
        (packed / name).unlink()
    written["report.html"] = (finished_once / "report.html").read_bytes()
    assert here("verdict", packed / what, "--json").out.encode() == written["verdict.json"]
    assert here("report", packed / what).out.splitlines()[0] == str(packed / "report.html")
    assert {name: (packed / name).read_bytes() for name in written} == written


WITHOUT_MODEL_LIBRARIES = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "peft", "optuna"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from titer.cli import main
main()
"""


def test_a_verdict_on_a_packed_study_needs_no_model_library(packed: Path, finished_once: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_MODEL_LIBRARIES, "verdict", str(packed), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 5, done.stderr
    assert done.stdout == (finished_once / "verdict.json").read_text(encoding="utf-8")


def test_a_packed_study_is_not_judged_again(packed: Path, here: Here) -> None:
    judged = here("judge", packed, "--judge", "refusal_removal")
    assert (judged.code, "packed away" in judged.err) == (2, True)
    assert here("run", packed).code == 0
    judged = here("judge", packed, "--judge", "refusal_removal")
    assert (judged.code, "packed away" in judged.err) == (2, True)


def test_a_packed_study_that_is_run_has_nothing_to_do(packed: Path, finished_once: Path, here: Here) -> None:
    done = here("run", packed, "--json")
    assert "cells done" not in done.err
    assert done.out == (finished_once / "verdict.json").read_text(encoding="utf-8")


def test_plan_and_attack_leave_a_packed_study_with_its_verdict(packed: Path, here: Here) -> None:
    before = here("verdict", packed, "--json").out
    assert document(here("plan", packed, "--json"))["cells_to_go"] == 0
    assert here("verdict", packed, "--json").out == before
    assert document(here("attack", packed, "--domain", "blue", "--json"))["failed"] is None
    assert here("verdict", packed, "--json").out == before


def test_init_writes_a_protocol_that_is_valid(tmp_path: Path, here: Here) -> None:
    done = here("init", tmp_path / "new")
    assert done.code == 0
    assert load(tmp_path / "new" / "protocol.toml").study.name == "demo"
    assert here("init", tmp_path / "new").code == 2


def test_demo_runs_the_protocol_that_comes_with_titer(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here
) -> None:
    """The wiring alone: the organism's own study takes minutes."""
    shutil.copyfile(finished / "protocol.toml", tmp_path / "demo.toml")
    monkeypatch.setattr(app, "EXAMPLES", tmp_path)
    assert here("demo", "--out", finished, "--json").out == (finished / "verdict.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (9_000, "2 h 30 min")])
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
