"""The lines of a source as they are found there: the organism, a CSV or JSONL file, or a data set of the hub."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from titer.errors import InputError
from titer.protocol.data_sources import Source

RawRow = Mapping[str, Any]
"""One line of a source: columns to values."""

ORGANISM = "organism:"
DATA_VARIABLE = "TITER_DATA"


def lines_of(source: Source, place: str) -> Sequence[RawRow]:
    """The lines of a source, in its own order.

    Raises:
        InputError: if it cannot be read.
    """
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
