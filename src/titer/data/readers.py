"""One source of data, read into rows: which column is the prompt, which the response, and which rows are kept."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from titer.boundary import reading
from titer.data.lines import RawRow, lines_of
from titer.errors import InputError
from titer.protocol.data_sources import Source

RowReader = Callable[[RawRow], Any]

_BRACES = re.compile(r"\{([^{}]+)\}")
_SENTENCE_END = re.compile(r"(?<!\d)[.!?](?=\s)|[。！？]")
_WORD_END = re.compile(r"\S(?=\s)")


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A row before it has a split; `label` is what its group column says, None where none is named."""

    id: str
    prompt: str
    response: str
    reference: str | None
    refusal: str | None
    options: tuple[str, ...]
    label: str | None


def rows(source: Source, place: str, required: Sequence[str] = ("prompt", "response")) -> tuple[Raw, ...]:
    """Read a source, in its own order.

    Args:
        source: what to read and which columns to take.
        place: the dotted path of the source in its protocol, for messages.
        required: the fields that every row must have; a response that it has none of is empty.

    Raises:
        InputError: if it cannot be read, lacks a column, or a row lacks a prompt, response or group.
    """
    lines = lines_of(source, f"{place}.source")
    if not lines:
        raise InputError(f"{place}.source", f"there are no rows in '{source.source}'", "Write some, or name another.")
    columns = tuple(dict.fromkeys(column for line in lines for column in line))
    readers = _readers(source, columns, required, place)
    wanted = [(_filter(name, values, lines, columns, place), values) for name, values in source.where.items()]
    kept = (
        _cut(_raw(number, line, readers, required, place), source)
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


def _readers(source: Source, columns: Sequence[str], required: Sequence[str], place: str) -> dict[str, RowReader]:
    """How each field is read from a line."""
    fields = {field: field for field in required}
    fields |= {field: field for field in ("response", "reference", "id", "refusal", "options") if field in columns}
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


def _filter(name: str, values: Sequence[str], lines: Sequence[RawRow], columns: Sequence[str], place: str) -> RowReader:
    """What reads the column of a filter, each value of which some line has."""
    read = _reader(name, columns, f"{place}.where.{name}")
    there = dict.fromkeys(as_text(read(line)) for line in lines)
    if lost := [value for value in values if value not in there]:
        some = ", ".join(repr(value[:40]) for value in itertools.islice(there, 10))
        problem = f"no row has the value '{lost[0]}'"
        raise InputError(
            f"{place}.where.{name}", problem, f"Correct it. Values there: {some}{', ...' * (len(there) > 10)}."
        )
    return read


def _follow(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(value, list) and part.isdecimal() and len(part) < 10 and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def _raw(number: int, line: RawRow, readers: Mapping[str, RowReader], required: Sequence[str], place: str) -> Raw:
    values = {field: read(line) for field, read in readers.items()}
    options = values.pop("options", None)
    needed = (*required, "group")
    texts = {
        field: _checked(field, value, f"row {number} (from 0)", place, needed=field in needed)
        for field, value in values.items()
    }
    response = texts.get("response", "")
    return Raw(
        id=texts.get("id") or str(number),
        prompt=texts["prompt"],
        response=response,
        reference=texts.get("reference") or None,
        refusal=texts.get("refusal") or None,
        options=_options(options, response, f"row {number} (from 0)", f"{place}.columns.options"),
        label=texts.get("group"),
    )


def _checked(field: str, value: Any, row: str, place: str, *, needed: bool) -> str:
    here = f"{place}.group" if field == "group" else f"{place}.columns.{field}"
    if isinstance(value, list | dict):
        remedy = "Name the part that is meant with a dotted path such as `instances.0.output`."
        raise InputError(here, f"{row} holds a {type(value).__name__}, not a text", remedy)
    text = as_text(value)
    _check_signs(text, here, row)
    if not text and needed:
        raise InputError(here, f"{row} has no {field}", "Fill it in, or leave the row out by `where`.")
    return text


def _check_signs(text: str, place: str, row: str) -> None:
    """A text that came from JSON may hold half of a pair of surrogates, which is no sign and cannot be written."""
    if not text.isascii():
        with reading(place, f"a text of {row}", "Write the whole sign."):
            text.encode()


def _options(value: Any, response: str, row: str, place: str) -> tuple[str, ...]:
    """A list, or a text separated by `|` or else by `;`; the response comes first where it is not among them."""
    if value is None or value == "":
        return ()
    parts = value if isinstance(value, list) else as_text(value).split("|" if "|" in as_text(value) else ";")
    if any(isinstance(part, list | dict) for part in parts):
        raise InputError(place, f"an option of {row} is no text", "Write a list of texts, or one text with | between.")
    texts = tuple(dict.fromkeys(text for text in map(as_text, parts) if text))
    for text in texts:
        _check_signs(text, place, row)
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
