"""A form as its data file has it: where it was read, and for each field what it asks and where a study answers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from titer.records import Record

FORMS = ("stream", "eu-appendix3", "nist-800-1", "acceptance-card")
"""Every form, by the name that `titer report --map` takes."""


class FormField(Record):
    """One field of a form.

    Attributes:
        id: as the form numbers it.
        asks: what it asks, in our words.
        paths: where in report.json the answer is, by what each part of it is.
        builder: the function of `titer.report.forms.answers` that says it, where no path alone does.
        cannot: why no study of titer answers it, or what of it stays open.
    """

    id: str
    asks: str
    paths: dict[str, str] = Field(default_factory=dict)
    builder: str | None = None
    cannot: str | None = None

    @model_validator(mode="after")
    def _check_answer(self) -> Self:
        """An answer has a place, or there is a reason why there is none."""
        if not self.paths and self.builder is None and self.cannot is None:
            raise ValueError(f"field {self.id} has neither an answer nor a reason why there is none")
        return self


class Form(Record):
    """A form with its source.

    Attributes:
        title: what it is called.
        version: which one was read.
        address: where it is published.
        read: the day on which it was read.
        how: in which copy, and what that is worth.
        missing: what of it is not here, and why.
        field: its fields, in its order.
    """

    title: str
    version: str
    address: str
    read: str
    how: str
    missing: str
    field: tuple[FormField, ...] = Field(min_length=1)


def read_form(name: str) -> Form:
    """The form of that name, one of `FORMS`."""
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    return Form.model_validate(_tupled(tomllib.loads(text)))


def _tupled(data: dict[str, object]) -> dict[str, object]:
    """Lists as the tuples that records hold."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
