"""One source of data, read into rows: the organism, a CSV or JSONL file, or a data set of the hub."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from titer.errors import InputError
from titer.protocol.data_sources import Source

RawRow = Mapping[str, Any]
"""One line of a source as it is found there: columns to values."""
RowReader = Callable[[RawRow], Any]

ORGANISM = "organism:"
DATA_VARIABLE = "TITER_DATA"
_BRACES = re.compile(r"\{([^{}]+)\}")
_SENTENCE_END = re.compile(r"(?<!\d)[.!?](?=\s)|[。！？]")
_WORD_END = re.compile(r"\S(?=\s)")


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A row before it has a split; `label` is what its group column says, None where none is named."""

    id: str
    prompt: str
    response: str
    refusal: str | None
    options: tuple[str, ...]
    label: str | None


def rows(source: Source, place: str) -> tuple[Raw, ...]:
    """Read a source, in its own order.

    Args:
        source: what to read and which columns to take.
        place: the dotted path of the source in its protocol, for messages.

    Raises:
        InputError: if it cannot be read, lacks a column, or a row lacks a prompt, response or group.
    """
    lines = _lines(source, f"{place}.source")
    columns = tuple(dict.fromkeys(column for line in lines for column in line))
    readers = _readers(source, columns, place)
    wanted = [(_reader(name, columns, f"{place}.where.{name}"), values) for name, values in source.where.items()]
    kept = (
        _cut(_raw(number, line, readers, place), source)
        for number, line in enumerate(lines)
        if all(as_text(read(line)) in values for read, values in wanted)
    )
    found = tuple(raw for raw in kept if _fits(raw, source))
    if not found:
        remedy = f"{len(lines)} were read: check the file, `where` and `longest`."
        raise InputError(f"{place}.source", f"no rows are left of '{source.source}'", remedy)
    _check_ids(found, place)
    return found


def as_text(value: Any) -> str:
    """A value of a column as a text: nothing is empty, true and false are spelled as in JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _readers(source: Source, columns: Sequence[str], place: str) -> dict[str, RowReader]:
    """How each field is read from a line."""
    fields = {"prompt": "prompt", "response": "response"}
    fields |= {field: field for field in ("id", "refusal", "options") if field in columns}
    fields |= dict[str, str](source.columns.items())
    readers = {field: _reader(text, columns, f"{place}.columns.{field}") for field, text in fields.items()}
    if source.group is not None:
        readers["group"] = _reader(source.group, columns, f"{place}.group")
    return readers


def _reader(text: str, columns: Sequence[str], place: str) -> RowReader:
    """What `text` takes from a line: a column, a dotted path, or a text with either of them in braces."""
    if text in columns:
        return lambda line: line.get(text)
    if inner := _BRACES.findall(text):
        parts = {name: _reader(name, columns, place) for name in inner}
        return lambda line: _BRACES.sub(lambda match: as_text(parts[match[1]](line)), text)
    head, *path = text.split(".")
    if path and head in columns:
        return lambda line: _follow(line.get(head), path)
    raise InputError(place, f"there is no column '{text}'", f"Columns here: {', '.join(columns) or 'none'}.")


def _follow(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def _raw(number: int, line: RawRow, readers: Mapping[str, RowReader], place: str) -> Raw:
    values = {field: read(line) for field, read in readers.items()}
    options = values.pop("options", None)
    texts = {field: _checked(field, value, f"row {number} (from 0)", place) for field, value in values.items()}
    return Raw(
        id=texts.get("id") or str(number),
        prompt=texts["prompt"],
        response=texts["response"],
        refusal=texts.get("refusal") or None,
        options=_options(options, texts["response"]),
        label=texts.get("group"),
    )


def _checked(field: str, value: Any, row: str, place: str) -> str:
    here = f"{place}.group" if field == "group" else f"{place}.columns.{field}"
    if isinstance(value, list | dict):
        remedy = "Name the part that is meant with a dotted path such as `instances.0.output`."
        raise InputError(here, f"{row} holds a {type(value).__name__}, not a text", remedy)
    text = as_text(value)
    if not text and field in ("prompt", "response", "group"):
        raise InputError(here, f"{row} has no {field}", "Fill it in, or leave the row out by `where`.")
    return text


def _options(value: Any, response: str) -> tuple[str, ...]:
    """A list, or a text separated by `|` or else by `;`; the response comes first where it is not among them."""
    if value is None or value == "":
        return ()
    parts = value if isinstance(value, list) else str(value).split("|" if "|" in str(value) else ";")
    texts = tuple(dict.fromkeys(text for text in map(as_text, parts) if text))
    return texts if response in texts else (response, *texts)


def _cut(raw: Raw, source: Source) -> Raw:
    """The row with its response shortened, where the source says so and it is too long."""
    most = source.cut.get("response", len(raw.response))
    if len(raw.response) <= most:
        return raw
    for end in (_SENTENCE_END, _WORD_END):
        if places := [m.end() for m in end.finditer(raw.response[: most + 1]) if m.end() <= most]:
            return replace(raw, response=raw.response[: places[-1]])
    return replace(raw, response=raw.response[:most])


def _fits(raw: Raw, source: Source) -> bool:
    lengths = {"prompt": len(raw.prompt), "response": len(raw.response)}
    return all(lengths[field] <= longest for field, longest in source.longest.items())


def _check_ids(found: Sequence[Raw], place: str) -> None:
    seen: set[str] = set()
    for raw in found:
        if raw.id in seen:
            remedy = "Name a column that differs in each row."
            raise InputError(f"{place}.columns.id", f"two rows have the id '{raw.id}'", remedy)
        seen.add(raw.id)


def _lines(source: Source, place: str) -> Sequence[RawRow]:
    if source.source.startswith(ORGANISM):
        return _organism_lines(source.source.removeprefix(ORGANISM), place)
    path = _path(source.source, place)
    if path.suffix == ".csv":
        return _csv_lines(path, place)
    if path.suffix == ".jsonl":
        return _json_lines(path, place)
    if path.is_file():
        raise InputError(place, f"'{path}' is neither .csv nor .jsonl", "Save it as one of them.")
    return _hub_lines(source, place)


def _organism_lines(name: str, place: str) -> Sequence[RawRow]:
    from titer.data import organism

    try:
        return organism.rows(name)
    except KeyError as error:
        raise InputError(place, f"the organism has no '{name}'", f"Known: {', '.join(organism.names())}.") from error


def _path(text: str, place: str) -> Path:
    """The path meant; `$TITER_DATA/` stands for the folder that this environment variable names."""
    prefix = f"${DATA_VARIABLE}/"
    if not text.startswith(prefix):
        return Path(text)
    if folder := os.environ.get(DATA_VARIABLE):
        return Path(folder) / text.removeprefix(prefix)
    beside = Path("..", "shared", "data")
    if beside.is_dir():
        return beside / text.removeprefix(prefix)
    remedy = f"Set the environment variable {DATA_VARIABLE} to the folder of the data."
    raise InputError(place, f"'{text}' needs {DATA_VARIABLE}, which is not set", remedy)


def _read_text(path: Path, place: str) -> str:
    """The text of a file, without a byte order mark and with its line ends as they are."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise InputError(place, f"'{path}' is not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error
    except OSError as error:
        raise InputError(place, f"'{path}' cannot be read ({error.strerror})", "Correct the path.") from error


def _csv_lines(path: Path, place: str) -> Sequence[RawRow]:
    reader = csv.DictReader(io.StringIO(_read_text(path, place), newline=""), strict=True)
    lines: list[RawRow] = []
    try:
        for line in reader:
            if None in line or None in line.values():
                raise csv.Error("not as many fields as columns")
            lines.append(line)
    except csv.Error as error:
        problem = f"'{path}' is not valid CSV at line {reader.line_num} ({error})"
        raise InputError(place, problem, "Correct that line.") from error
    return lines


def _json_lines(path: Path, place: str) -> Sequence[RawRow]:
    lines: list[RawRow] = []
    for number, text in enumerate(_read_text(path, place).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            problem = f"'{path}' is not valid JSON at line {number} ({error.msg})"
            raise InputError(place, problem, "Correct that line.") from error
        if not isinstance(line, dict):
            raise InputError(place, f"line {number} of '{path}' is not an object", "Write one object a line.")
        lines.append(line)
    return lines


def _hub_lines(source: Source, place: str) -> Sequence[RawRow]:
    name = source.source
    try:
        import datasets
    except ImportError as error:
        remedy = "Install it, or name a .csv or .jsonl file."
        raise InputError(place, f"data set '{name}' needs the package datasets", remedy) from error
    try:
        found = datasets.load_dataset(name, source.subset, split=source.split or "train", revision=source.revision)
    except (OSError, ValueError) as error:
        remedy = "Correct name, subset, split or revision, connect to the hub, or name a .csv or .jsonl file."
        raise InputError(place, f"data set '{name}' cannot be loaded ({error})", remedy) from error
    return [dict(line) for line in found]
