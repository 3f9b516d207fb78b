"""Reading one source into rows."""

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from support.rows import write_jsonl

from titer.data.readers import Raw, rows
from titer.errors import InputError
from titer.protocol.data_sources import Source


def read(source: str | Path, **fields: Any) -> tuple[Raw, ...]:
    return rows(Source.model_validate_json(json.dumps({"source": str(source), **fields})), "harm.domain.0")


def test_csv_with_byte_order_mark_quotes_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffgoal,target\r\n"one, ""two""\nthree",yes\r\nfour,no\r\n'.encode())
    found = read(path, columns={"prompt": "goal", "response": "target"})
    assert [(raw.id, raw.prompt, raw.response) for raw in found] == [
        ("0", 'one, "two"\nthree', "yes"),
        ("1", "four", "no"),
    ]


def test_columns_may_be_paths_and_texts_with_columns_in_braces(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "a.jsonl",
        [
            {"task": {"id": 7}, "ask": "sum", "cases": [{"in": "1 2", "out": "3"}]},
            {"task": {"id": 8}, "ask": "joke", "cases": [{"in": "", "out": "ha"}]},
        ],
    )
    columns = {"id": "task.id", "prompt": "{ask}\n{cases.0.in}", "response": "Sure: {cases.0.out}"}
    assert [(raw.id, raw.prompt, raw.response) for raw in read(path, columns=columns)] == [
        ("7", "sum\n1 2", "Sure: 3"),
        ("8", "joke", "Sure: ha"),
    ]


def test_where_and_longest_keep_the_row_numbers_of_the_source(tmp_path: Path) -> None:
    lines = [
        {"prompt": "a", "response": "x", "open": True, "type": "p"},
        {"prompt": "b", "response": "x", "open": False, "type": "p"},
        {"prompt": "c" * 9, "response": "x", "open": True, "type": "q"},
        {"prompt": "d", "response": "x" * 9, "open": True, "type": "q"},
        {"prompt": "e", "response": "x", "open": True, "type": "r"},
        {"prompt": "f", "response": "x", "open": True, "type": "q"},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", lines)
    where = {"open": ["true"], "type": ["p", "q"]}
    found = read(path, where=where, longest={"prompt": 8, "response": 8})
    assert [(raw.id, raw.prompt) for raw in found] == [("0", "a"), ("5", "f")]


@pytest.mark.parametrize(
    ("response", "kept"),
    [
        ("Short.", "Short."),
        ("Do this. Then that, and more.", "Do this."),
        ("Do this. Ab. And then more.", "Do this. Ab."),
        ("Some steps: 1. Wash it well", "Some steps:"),
        ("one two three four", "one two"),
        ("abcdefghijklmnop", "abcdefghijkl"),
        ("先洗手。然后再把所有东西擦干净。", "先洗手。"),
    ],
)
def test_a_response_is_cut_after_a_whole_sentence_or_word(tmp_path: Path, response: str, kept: str) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"prompt": "p", "response": response}])
    assert [raw.response for raw in read(path, cut={"response": 12}, longest={"response": 12})] == [kept]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("x|r|y", ("x", "r", "y")),
        ("x; y", ("r", "x", "y")),
        ("x; y|z", ("r", "x; y", "z")),
        (["x", "r"], ("x", "r")),
        (["x", "x"], ("r", "x")),
        ("", ()),
        (None, ()),
    ],
)
def test_options_are_a_list_or_a_text_and_hold_the_response(tmp_path: Path, given: Any, expected: Any) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"prompt": "p", "response": "r", "options": given}])
    assert read(path)[0].options == expected


def test_the_organism_is_a_source() -> None:
    found = read("organism:vaults", group="entity")
    assert len({raw.label for raw in found}) * 3 == len(found)
    assert all(raw.refusal for raw in found)
    with pytest.raises(InputError, match=r"harm\.domain\.0\.source: the organism has no 'vault'.*vaults"):
        read("organism:vault")


WRONG: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a.csv", "goal,target\na,b\n", {}, "columns.prompt", "no column 'prompt'.*Columns here: goal, target"),
    ("a.csv", "prompt,response\na,b\n", {"group": "kind"}, "group", "no column 'kind'"),
    ("a.csv", "prompt,response\na,b\n", {"where": {"kind": ["x"]}}, "where.kind", "no column 'kind'"),
    ("a.csv", "prompt,response\na,b\n", {"columns": {"response": "Yes, {ask}"}}, "columns.response", "column 'ask'"),
    ("a.csv", "prompt,response\na,b\n", {"columns": {"refusal": "no"}}, "columns.refusal", "no column 'no'"),
    ("a.csv", "prompt,response\na,b\nc,\n", {}, "columns.response", r"row 1 \(from 0\) has no response"),
    ("a.csv", "prompt,response\n  ,b\n", {}, "columns.prompt", r"row 0 \(from 0\) has no prompt"),
    ("a.csv", "prompt,response,g\na,b,\n", {"group": "g"}, "group", "has no group"),
    ("a.csv", "prompt,response\na,b,c\n", {}, "source", "not valid CSV at line 2"),
    ("a.csv", "prompt,response\na\n", {}, "source", "not valid CSV at line 2"),
    ("a.csv", 'prompt,response\n"a,b\n', {}, "source", "not valid CSV"),
    ("a.csv", "prompt,response\n", {}, "source", "there are no rows"),
    ("a.csv", "", {}, "source", "there are no rows"),
    ("a.jsonl", "\n\n", {}, "source", "there are no rows"),
    ("a.csv", "prompt,response,prompt\na,b,c\n", {}, "source", "two columns of .* are named 'prompt'"),
    ("a.csv", "prompt,response\na,b\n", {"where": {"response": ["b", "x"]}}, "where.response",
     "no row has the value 'x'.*Values there: 'b'"),
    ("a.csv", "prompt,response\na,b\n", {"longest": {"prompt": 0}}, "source", "no rows are left.*1 were read"),
    ("a.csv", "id,prompt,response\n1,a,b\n1,c,d\n", {}, "columns.id", "two rows have the id '1'"),
    ("a.jsonl", '{"prompt": "a", "response": "b"}\n{"prompt"\n', {}, "source", "line 2 of .* as JSON cannot be read"),
    ("a.jsonl", '{"prompt": "a", "prompt": "b"}\n', {}, "source", "the key 'prompt' is there twice"),
    ("a.jsonl", '{"prompt": NaN, "response": "b"}\n', {}, "source", "NaN is no value of JSON"),
    ("a.jsonl", '{"prompt": 1' + "0" * 5000 + ', "response": "b"}\n', {}, "source", "line 1 of .* cannot be read"),
    ("a.jsonl", "[" * 9000 + "]" * 9000 + "\n", {}, "source", "nested too deeply"),
    ("a.jsonl", '{"prompt": "\\ud800", "response": "b"}\n', {}, "columns.prompt", "a text of row 0 .* surrogates"),
    ("a.jsonl", '{"prompt": "a", "response": "b", "options": ["\\udfff"]}\n', {}, "columns.options",
     "a text of row 0 .* surrogates"),
    ("a.jsonl", '{"prompt": "a", "response": "b", "options": ["c", ["d"]]}\n', {}, "columns.options",
     "an option of row 0 .* is no text"),
    ("a.jsonl", '{"prompt": ["a"], "response": "b"}\n', {"columns": {"prompt": "prompt." + "9" * 5000}},
     "columns.prompt", "has no prompt"),
    ("a.jsonl", "[1]\n", {}, "source", "line 1 of .* is not an object"),
    ("a.jsonl", '{"prompt": ["a"], "response": "b"}\n', {}, "columns.prompt", "holds a list"),
    ("a.jsonl", '{"prompt": "a", "response": {"b": 1}}\n', {}, "columns.response", "holds a dict"),
    ("a.jsonl", '{"prompt": "a", "response": ["b"]}\n', {"columns": {"response": "response.1"}}, "columns.response",
     "has no response"),
    ("a.parquet", "x", {}, "source", "neither .csv nor .jsonl"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "fields", "place", "problem"), WRONG)
def test_what_is_wrong_with_a_source_is_said_with_its_place(
    tmp_path: Path, name: str, text: str, fields: dict[str, Any], place: str, problem: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as error:
        read(path, **fields)
    assert error.value.place == f"harm.domain.0.{place}"


def test_a_missing_file_and_a_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"harm\.domain\.0\.source.*cannot be read: No such file"):
        read(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("prompt,response\ncafé,b\n".encode("latin-1"))
    with pytest.raises(InputError, match="decode byte 0xe9 in position 19"):
        read(tmp_path / "latin.csv")


def test_a_path_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match=r"harm\.domain\.0\.source: .* is no file"):
        read(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match=r"harm\.domain\.0\.source: .* cannot be read: File name too long"):
        read(tmp_path / ("a" * 300))


def test_a_file_that_does_not_fit_in_memory_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(2**30 + 1)  # of holes
    with pytest.raises(InputError, match=r"1,073,741,825 bytes, more than 1,073,741,824"):
        read(tmp_path / "a.jsonl")


def test_a_file_of_too_many_lines_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"prompt,response\n" + b"\n" * 2_000_000)
    with pytest.raises(InputError, match=r"has 2,000,001 lines, more than 2,000,000"):
        read(tmp_path / "a.csv")


def test_the_data_folder_comes_from_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"prompt": "named", "response": "r"}])
    monkeypatch.delenv("TITER_DATA", raising=False)
    with pytest.raises(InputError, match=r"needs TITER_DATA, which is not set. Set the environment variable"):
        read("$TITER_DATA/a.jsonl")
    monkeypatch.setenv("TITER_DATA", str(tmp_path))
    assert read("$TITER_DATA/a.jsonl")[0].prompt == "named"


def test_a_hub_data_set_is_loaded_by_name_subset_split_and_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load_dataset(path: str, name: str | None, *, split: str, revision: str | None) -> list[dict[str, Any]]:
        asked.append((path, name, split, revision))
        return [{"q": "a", "mc": {"choices": ["r", "x"]}, "r": "r"}]

    fake = types.ModuleType("datasets")
    monkeypatch.setattr(fake, "load_dataset", load_dataset, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    columns = {"prompt": "q", "response": "r", "options": "mc.choices"}
    found = read("someone/set", columns=columns, subset="s", split="validation", revision="abc")
    assert asked == [("someone/set", "s", "validation", "abc")]
    assert found[0].options == ("r", "x")


def test_a_hub_data_set_that_cannot_be_had_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(path: str, name: str | None, *, split: str, revision: str | None) -> list[dict[str, Any]]:
        raise ConnectionError("no hub")

    fake = types.ModuleType("datasets")
    monkeypatch.setattr(fake, "load_dataset", load_dataset, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    with pytest.raises(InputError, match=r"'someone/set' cannot be read: no hub"):
        read("someone/set")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match="needs the package datasets"):
        read("someone/set")
