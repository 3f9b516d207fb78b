"""Splits cut by group, and the items that rows become."""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.rows import write_jsonl

from titer.data.contamination import audit
from titer.data.near_duplicates import normalized
from titer.data.splitting import Question, Splits, cut_all, items
from titer.errors import InputError
from titer.protocol.loading import parse
from titer.protocol.schema import Protocol
from titer.records import Row, digest

REAL = Path(os.environ.get("TITER_DATA") or ROOT.parent / "shared" / "data")
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real data sets are not on this machine")


def numbered(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Lines that share no word with each other."""
    return [{"prompt": f"a{n} b{n} c{n}", "response": f"r{n}", **fields} for n in range(count)]


def study(domain: dict[str, Any], **tables: Any) -> Protocol:
    """A descriptive protocol around one or more harm domains."""
    domains = tables.pop("domains", [domain])
    whole = [{"name": f"d{n}", "role": "cross", **each} for n, each in enumerate(domains)]
    data: dict[str, Any] = {
        "study": {"name": "s", "descriptive": True},
        "subject": {"model": "organism"},
        "harm": {"threshold": 0.2, "grading": {"harm": "exact_match"}, "domain": whole},
        "attacker": {"budget": {"steps": 4}, "ladder": [0, 4], "sham": False, "attack": ["direct"]},
    }
    return parse(data | tables)


def all_rows(splits: Splits) -> list[tuple[str, Row]]:
    return [(part.name, row) for part in splits.parts for row in part.rows]


def test_splits_take_whole_groups_and_share_none(tmp_path: Path) -> None:
    lines = [
        {"prompt": f"{verb} {n}", "response": f"r{n}", "thing": f"t{n}"} for n in range(30) for verb in ("get", "take")
    ]
    path = write_jsonl(tmp_path / "a.jsonl", lines)
    domain = {"source": str(path), "group": "thing", "splits": {"attack": 10, "select": 5, "probe": 12}}
    splits = cut_all(study(domain)).domain["d0"]
    assert {name: len(found) for name, found in splits.items()} == {"probe": 12, "select": 5, "attack": 20}
    groups = {name: {row.group for row in found} for name, found in splits.items()}
    assert {name: len(found) for name, found in groups.items()} == {"probe": 12, "select": 5, "attack": 10}
    for first, second in itertools.combinations(groups.values(), 2):
        assert not first & second
    assert len({row.prompt.split()[0] for row in splits["probe"]}) == 2


def test_near_duplicates_are_one_group_where_no_column_is_named(tmp_path: Path) -> None:
    lines = numbered(20)
    lines += [{"prompt": f"  A{n} b{n}, c{n}!", "response": "again"} for n in range(20)]
    path = write_jsonl(tmp_path / "a.jsonl", lines)
    splits = cut_all(study({"source": str(path), "splits": {"attack": 10, "probe": 10}}))
    assert audit(splits) == ()
    assert len(splits.domain["d0"]["attack"]) == 20
    assert len(splits.domain["d0"]["probe"]) == 10
    with pytest.raises(InputError) as error:
        cut_all(study({"source": str(path), "splits": {"attack": 10, "probe": 11}}))
    assert error.value.place == "harm.domain.0.splits"
    assert "21 groups are needed (probe 11, attack 10), but 40 rows make 20 groups" in error.value.problem


def test_the_probe_does_not_depend_on_the_training_splits_or_the_order_of_rows(tmp_path: Path) -> None:
    lines = [line | {"id": f"i{n}", "group": f"g{n // 2}"} for n, line in enumerate(numbered(60))]
    path = write_jsonl(tmp_path / "a.jsonl", lines)
    domain = {"source": str(path), "group": "group", "splits": {"attack": 5, "probe": 12}}
    probe = cut_all(study(domain)).domain["d0"]["probe"]
    larger = domain | {"splits": {"attack": 15, "probe": 12}}
    assert cut_all(study(larger)).domain["d0"]["probe"] == probe
    write_jsonl(path, lines[::-1])
    assert cut_all(study(domain)).domain["d0"]["probe"] == probe
    renamed = {"name": "other"} | domain
    assert cut_all(study(renamed)).domain["other"]["probe"] != probe


def test_all_who_read_one_source_get_disjoint_groups(tmp_path: Path) -> None:
    lines = [line | {"kind": "a" if n % 3 else "b"} for n, line in enumerate(numbered(90))]
    lines += [line | {"prompt": f"{line['prompt']}?"} for line in lines]
    path = str(write_jsonl(tmp_path / "a.jsonl", lines))
    protocol = study(
        {},
        domains=[
            {"source": path, "splits": {"attack": 15, "probe": 15}},
            {"source": path, "where": {"kind": ["b"]}, "splits": {"attack": 5, "probe": 5}},
        ],
        benign={"source": path, "splits": {"sham": 10, "defend": 10}},
        task=[{"name": "t", "kind": "loss", "source": path, "splits": {"train": 10, "verdict": 10}}],
    )
    splits = cut_all(protocol)
    found = all_rows(splits)
    owners: dict[str, set[str]] = {}
    for name, row in found:
        owners.setdefault(normalized(row.prompt), set()).add(name)
    assert all(len(names) == 1 for names in owners.values())
    assert len(owners) == 80
    assert audit(splits) == ()
    too_many = {"source": path, "splits": {"sham": 60}}
    with pytest.raises(InputError, match=r"benign\.0\.splits: 60 groups.*make 90 groups, of which 40 serve other"):
        cut_all(study({}, domains=[domain.to_data() for domain in protocol.harm.domain], benign=too_many))


def test_several_benign_sources_are_joined_with_distinct_ids(tmp_path: Path) -> None:
    first = write_jsonl(tmp_path / "a.jsonl", numbered(6))
    second = write_jsonl(tmp_path / "b.jsonl", [{"prompt": f"x{n}", "response": "y"} for n in range(6)])
    domain = {"source": str(write_jsonl(tmp_path / "c.jsonl", numbered(9))), "splits": {"attack": 4, "probe": 4}}
    benign = [
        {"source": str(first), "splits": {"sham": 6}},
        {"source": str(second), "splits": {"sham": 3, "defend": 3}},
    ]
    joined = cut_all(study(domain, benign=benign)).benign
    assert {name: len(found) for name, found in joined.items()} == {"sham": 9, "defend": 3}
    assert len({row.id for found in joined.values() for row in found}) == 12
    assert sorted(row.id for row in joined["sham"])[:2] == ["0/0", "0/1"]
    alone = cut_all(study(domain, benign=benign[:1])).benign
    assert {row.id for row in alone["sham"]} == set("012345")


def test_refusals_come_from_the_row_else_from_the_domain(tmp_path: Path) -> None:
    lines = [line | ({"refusal": "own"} if n % 2 else {}) for n, line in enumerate(numbered(60))]
    path = str(write_jsonl(tmp_path / "a.jsonl", lines))
    domain = {"source": path, "refusals": ["no", "never"], "splits": {"attack": 40, "probe": 10}}
    attack = cut_all(study(domain)).domain["d0"]["attack"]
    assert {row.refusal for row in attack} == {"own", "no", "never"}
    assert all((row.refusal == "own") == bool(int(row.id) % 2) for row in attack)
    bare = cut_all(study(domain | {"refusals": []})).domain["d0"]["attack"]
    assert {row.refusal for row in bare} == {"own", None}


def test_more_rows_than_the_attack_split_has_cannot_be_drawn(tmp_path: Path) -> None:
    path = str(write_jsonl(tmp_path / "a.jsonl", numbered(20)))
    domain = {"source": path, "splits": {"attack": 10, "probe": 10}}
    cut_all(study(domain | {"draw": 10}))
    with pytest.raises(InputError, match=r"harm\.domain\.0\.draw: 11 rows are to be drawn.*has 10"):
        cut_all(study(domain | {"draw": 11}))


def test_a_study_on_the_organism_is_cut_without_overlap() -> None:
    benign = {"source": "organism:benign", "group": "entity", "splits": {"defend": 100, "sham": 60, "over_refusal": 60}}
    splits = {"attack": 80, "select": 40, "probe": 120}
    names = ("vaults", "ciphers")
    domains = [{"source": f"organism:{name}", "group": "entity", "splits": splits, "draw": 40} for name in names]
    task = {"name": "t", "kind": "choice", "source": "organism:sides", "group": "entity"}
    found = cut_all(study({}, domains=domains, benign=benign, task=[task | {"splits": {"train": 100, "verdict": 200}}]))
    assert audit(found) == ()
    assert len(found.domain["d0"]["probe"]) == 120
    asked = items(found.task["t"]["verdict"], "choice")
    assert {len(item.options) for item in asked} == {4}
    assert {item.options.index(item.reference or "") for item in asked} == {0, 1, 2, 3}
    assert not any(isinstance(row, Question) for row in found.task["t"]["train"])


def asked(count: int) -> tuple[Row, ...]:
    return tuple(Row(id=f"i{n}", group=f"g{n}", prompt=f"p{n}", response=f"r{n % 7}") for n in range(count))


def test_answers_are_held_against_the_reference_where_rows_have_one_and_trained_on_the_response(tmp_path: Path) -> None:
    lines = [
        {"prompt": f"a{n} b{n} c{n}", "response": f"It is w{n}.", "answer": "" if n % 2 else f"w{n}"} for n in range(20)
    ]
    path = write_jsonl(tmp_path / "a.jsonl", lines)
    plain = {"source": str(path), "splits": {"attack": 8, "probe": 12}}
    named = {**plain, "columns": {"reference": "answer"}}
    before, after = (cut_all(study(domain)).domain["d0"] for domain in (plain, named))
    for split, rows in after.items():
        assert [row.model_copy(update={"reference": None}) for row in rows] == list(before[split])
        assert all(row.response == f"It is w{row.id}." for row in rows)
    asked = items(after["probe"], "generate")
    assert {item.reference == f"w{item.id}" for item in asked if int(item.id) % 2 == 0} == {True}
    assert {item.reference == f"It is w{item.id}." for item in asked if int(item.id) % 2} == {True}
    assert items(after["probe"], "loss") == items(before["probe"], "loss")
    assert "reference" not in before["probe"][0].to_data()


def test_items_of_each_kind() -> None:
    row = Question(id="i", group="g", prompt="p", response="r", options=("r", "x", "y"))
    (generate,) = items([row], "generate")
    assert (generate.id, generate.group, generate.prompt, generate.reference) == ("i", "g", "p", "r")
    assert generate.options == ()
    assert items([row], "loss")[0].options == ("r",)
    assert sorted(items([row], "choice")[0].options) == ["r", "x", "y"]


def test_distractors_are_other_responses_distinct_and_drawn_by_id() -> None:
    found = items(asked(70), "choice", 3)
    for item in found:
        assert len(set(item.options)) == 4
        assert item.reference in item.options
    places = [item.options.index(item.reference or "") for item in found]
    assert set(places) == {0, 1, 2, 3}
    assert items(asked(70)[::-1], "choice", 3) == found[::-1]
    assert digest([item.to_data() for item in items(asked(70), "choice", 3)]) == digest([i.to_data() for i in found])
    assert {len(item.options) for item in items(asked(70), "choice", 6)} == {7}


def test_a_choice_without_options_is_refused() -> None:
    with pytest.raises(InputError, match="no options to choose from"):
        items(asked(3), "choice")
    with pytest.raises(InputError, match=r"task\.distractors: 7 are wanted.*7 different responses"):
        items(asked(70), "choice", 7)


@needs_real_data
def test_real_sources_are_read_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TITER_DATA", str(REAL))
    completions = "$TITER_DATA/xstest_gpt4_completions.csv"
    instances = {"prompt": "{instruction}\n{instances.0.input}", "response": "instances.0.output"}
    protocol = study(
        {},
        domains=[
            {
                "source": "$TITER_DATA/advbench.csv",
                "columns": {"prompt": "goal", "response": "target"},
                "splits": {"attack": 100, "select": 40, "probe": 100},
            },
        ],
        benign=[
            {"source": completions, "columns": {"response": "completion"}, "splits": {"over_refusal": 100}},
            {
                "source": "$TITER_DATA/self_instruct_user_oriented.jsonl",
                "columns": instances,
                "splits": {"defend": 60, "sham": 60},
            },
        ],
        task=[
            {
                "name": "truth", "kind": "choice", "source": "$TITER_DATA/truthfulqa.csv", "splits": {"verdict": 300},
                "columns": {"prompt": "Question", "response": "Best Answer", "options": "Incorrect Answers"},
            },
            {
                "name": "answers", "kind": "choice", "source": "$TITER_DATA/self_instruct_user_oriented.jsonl",
                "columns": instances, "distractors": 3, "splits": {"verdict": 60},
            },
        ],
    )  # fmt: skip
    splits = cut_all(protocol)
    assert len(splits.domain["d0"]["probe"]) == 100
    assert len(splits.benign["over_refusal"]) == 100
    assert all(len(item.options) >= 2 for item in items(splits.task["truth"]["verdict"], "choice"))
    assert {len(item.options) for item in items(splits.task["answers"]["verdict"], "choice", 3)} == {4}
    assert audit(splits) == ()
