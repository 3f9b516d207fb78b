"""The lines of a source as they are found there: the organism, a CSV or JSONL file, or a data set of the hub."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from titer.boundary import reading
from titer.errors import InputError
from titer.protocol.data_sources import Source

RawRow = Mapping[str, Any]
"""One line of a source: columns to values."""

ORGANISM = "organism:"
DATA_VARIABLE = "TITER_DATA"
LARGEST: Final = 2**30
"""The most bytes of a file of rows."""
MOST_LINES: Final = 2_000_000
"""The most lines of a source."""


def lines_of(source: Source, place: str) -> Sequence[RawRow]:
    """The lines of a source, in its own order.

    Raises:
        InputError: if it cannot be read.
    """
    if source.source.startswith(ORGANISM):
        return _organism_lines(source.source.removeprefix(ORGANISM), place)
    path = _path(source.source, place)
    with reading(place, f"'{path}'", "Correct the path."):
        is_file = path.is_file()
    if path.suffix == ".csv":
        return _csv_lines(path, place)
    if path.suffix == ".jsonl":
        return _json_lines(path, place)
    if is_file:
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
    remedy = f"Set the environment variable {DATA_VARIABLE} to the folder of the data."
    raise InputError(place, f"'{text}' needs {DATA_VARIABLE}, which is not set", remedy)


def _read_text(path: Path, place: str) -> str:
    """The text of a file, without a byte order mark and with its line ends as they are."""
    with reading(place, f"'{path}'", "Correct the path, and let it be a file in UTF-8."):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(place, f"'{path}' is no file", "Correct the path.")
        if status.st_size > LARGEST:
            problem = f"'{path}' has {status.st_size:,} bytes, more than {LARGEST:,}: its rows are held in memory"
            raise InputError(place, problem, "Cut it into files of their own.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    _check_number(text.count("\n"), f"'{path}'", place)
    return text


def _check_number(lines: int, what: str, place: str) -> None:
    if lines > MOST_LINES:
        problem = f"{what} has {lines:,} lines, more than {MOST_LINES:,}: its rows are held in memory"
        raise InputError(place, problem, "Name a file with those that are needed.")


def _csv_lines(path: Path, place: str) -> Sequence[RawRow]:
    reader = csv.DictReader(io.StringIO(_read_text(path, place), newline=""), strict=True)
    lines: list[RawRow] = []
    with reading(place, f"'{path}' as CSV", "Correct the file."):
        columns = list(reader.fieldnames or ())
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise InputError(place, f"two columns of '{path}' are named '{twice[0]}'", "Give each its own name.")
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
        with reading(place, f"line {number} of '{path}' as JSON", "Correct that line."):
            line = json.loads(text, parse_constant=_no_number, object_pairs_hook=_object)
        if not isinstance(line, dict):
            raise InputError(place, f"line {number} of '{path}' is not an object", "Write one object a line.")
        lines.append(line)
    return lines


def _no_number(name: str) -> float:
    """What Python reads as NaN or an infinity is no JSON."""
    raise ValueError(f"{name} is no value of JSON: write null, or leave it out")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object each of whose keys is there once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return found


def _hub_lines(source: Source, place: str) -> Sequence[RawRow]:
    name = source.source
    try:
        import datasets
    except ImportError as error:
        remedy = "Install it, or name a .csv or .jsonl file."
        raise InputError(place, f"data set '{name}' needs the package datasets", remedy) from error
    remedy = "Correct name, subset, split or revision, connect to the hub, or name a .csv or .jsonl file."
    with reading(place, f"data set '{name}'", remedy):
        found = datasets.load_dataset(name, source.subset, split=source.split or "train", revision=source.revision)
        _check_number(len(found), f"data set '{name}'", place)
        return [dict(line) for line in found]
