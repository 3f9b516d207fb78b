"""A form filled from a report, as data and as Markdown; what is not stated is said to be so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from titer.records import Record
from titer.report.escape import escape, table
from titer.report.forms.answers import BUILDERS, Report
from titer.report.forms.form import Form, FormField, read_form

OPTIONAL = ("protocol.disclosure.", "protocol.subject.public")
"""Where paths begin that a protocol may leave out."""
NOT_STATED = "not stated"


class FilledField(Record):
    """A field with its answer: `filled`, `partly` where a part of it is not stated or stays open, or `open`."""

    id: str
    asks: str
    state: Literal["filled", "partly", "open"]
    answer: tuple[str, ...]
    cannot: str | None


class FilledForm(Record):
    """A form with all its answers, and the fields that are open, by their ids."""

    form: str
    study: str
    root: str
    source: dict[str, str]
    fields: tuple[FilledField, ...]
    open: tuple[str, ...]


def filled_form(name: str, report: Report) -> FilledForm:
    """The form of that name, filled from a report.

    Args:
        name: of the form.
        report: report.json as data.
    """
    form = read_form(name)
    fields = tuple(_filled(field, report) for field in form.field)
    return FilledForm(
        form=name,
        study=report["verdict"]["study"],
        root=str(report["root"]),
        source=_source(form),
        fields=fields,
        open=tuple(field.id for field in fields if field.state == "open"),
    )


def value_at(report: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path; None where an optional part is left out.

    Raises:
        KeyError: if a path that is not optional leads nowhere.
    """
    found: Any = report
    for part in path.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif path.startswith(OPTIONAL):
            return None
        else:
            raise KeyError(path)
    return found


def _source(form: Form) -> dict[str, str]:
    return {key: value for key, value in form.to_data().items() if isinstance(value, str)}


def _filled(field: FormField, report: Report) -> FilledField:
    said = {part: _said(report, path) for part, path in field.paths.items()}
    answer = [f"{part}: {text or NOT_STATED}" for part, text in said.items()]
    stated = [text is not None for text in said.values()]
    if field.builder is not None:
        answer.append(BUILDERS[field.builder](report))
        stated.append(True)
    state: Literal["filled", "partly", "open"] = "open"
    if any(stated):
        state = "filled" if all(stated) and field.cannot is None else "partly"
    return FilledField(id=field.id, asks=field.asks, state=state, answer=tuple(answer), cannot=field.cannot)


def _said(report: Report, path: str) -> str | None:
    """What stands at a path, in words; None where it is left out, and `none` where there is none of it."""
    value = value_at(report, path)
    if path.startswith(OPTIONAL) and value in (None, "", []):
        return None
    return _text(value) or "none"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part) or 'none'}" for name, part in value.items())
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def markdown(filled: FilledForm) -> str:
    """The filled form as a Markdown page; whatever a protocol says in it is text and no markup.

    Args:
        filled: the form with its answers.
    """
    source = filled.source
    rows = [
        (escape(field.id), escape(field.asks), field.state, escape(" ".join(_parts(field)))) for field in filled.fields
    ]
    count = {state: sum(field.state == state for field in filled.fields) for state in ("filled", "partly", "open")}
    return "\n\n".join([
        f"# {escape(source['title'])}: {escape(filled.study)}",
        f"Filled by titer from the study with the root digest `{filled.root}`: {count['filled']} fields filled, "
        f"{count['partly']} partly, {count['open']} open.",
        f"Source: {escape(source['title'])}, {escape(source['version'])}, <{source['address']}>, read "
        f"{source['read']}. {escape(source['how'])} What a field asks is said in our words; the source has its own.",
        f"Not here: {escape(source['missing'])}",
        f"Open fields: {', '.join(map(escape, filled.open)) or 'none'}.",
        table(["field", "asks", "state", "answer"], rows),
    ]) + "\n"  # fmt: skip


def _parts(field: FilledField) -> list[str]:
    answer = [f"{part}." if not part.endswith(".") else part for part in field.answer]
    return [*answer, *([f"Open: {field.cannot}"] if field.cannot else [])]
