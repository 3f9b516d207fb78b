"""What a report says, before it is rendered: words in two languages, names from outside, and facts with their place.

A place is a JSON pointer (RFC 6901) into report.json, so that each number of a page can be compared with that file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

from titer.analysis.sentences.text import Text, same
from titer.report.escape import number

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FactForm = Literal["text", "number", "count", "percent", "factor", "mean", "most", "data", "passed", "asked"]
"""As it is; with four digits; as a count; times 100; plus 1; of a judge's sum the mean; of counts the most; as JSON; of
the controls how many passed, and how many were asked."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A value of report.json as it is shown.

    Attributes:
        place: where it stands there, by language.
        shown: the value in words, by language.
        form: how it is shown, or made of the counts that stand there.
    """

    place: Text
    shown: Text
    form: FactForm = "text"


@dataclass(frozen=True, kw_only=True)
class Given:
    """A name that came from outside, as of a domain: nothing in it is trusted."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A template in two languages with what its fields say."""

    template: Text
    fields: Mapping[str, Said] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Several:
    """Parts one after the other, with the commas of each language between them, or what else is named."""

    parts: tuple[Said, ...]
    between: Text = Text(", ", "、")


Said = Text | Fact | Given | Sentence | Several
Atom = str | Fact | Given


def atoms(said: Said, lang: Language) -> Iterator[Atom]:
    """What is said in one language, as our own words, facts and names, in order.

    >>> list(atoms(Sentence(template=Text("in {name}", "在 {name}"), fields={"name": Given(text="x")}), "en"))
    ['in ', Given(text='x')]
    """
    match said:
        case Fact() | Given():
            yield said
        case Text():
            yield in_language(said, lang)
        case Several():
            for place, part in enumerate(said.parts):
                if place:
                    yield in_language(said.between, lang)
                yield from atoms(part, lang)
        case Sentence():
            for literal, name, _, _ in Formatter().parse(in_language(said.template, lang)):
                if literal:
                    yield literal
                if name:
                    yield from atoms(said.fields[name], lang)


def in_language(text: Text, lang: Language) -> str:
    """One of the two."""
    return text.en if lang == "en" else text.zh


def plain(said: Said, lang: Language) -> str:
    """What is said as one string; nothing in it is escaped."""
    shown = []
    for atom in atoms(said, lang):
        match atom:
            case Fact():
                shown.append(in_language(atom.shown, lang))
            case Given():
                shown.append(atom.text)
            case _:
                shown.append(atom)
    return "".join(shown)


def several(parts: Iterable[Said], between: Text | None = None) -> Several:
    """Parts of a list."""
    return Several(parts=tuple(parts)) if between is None else Several(parts=tuple(parts), between=between)


def pointer(*steps: str | int) -> str:
    """A JSON pointer.

    >>> pointer("curves", 3, "a/b")
    '/curves/3/a~1b'
    """
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def numeral(place: str, value: float) -> Fact:
    """A number, with four significant digits."""
    return Fact(place=same(place), shown=same(number(value)), form="number")


def count(place: str, value: int) -> Fact:
    """A whole number, with all its digits."""
    return Fact(place=same(place), shown=same(value), form="count")


def percentage(place: str, share: float) -> Fact:
    """A share in percent, with three significant digits."""
    return Fact(place=same(place), shown=same(f"{100 * share:.3g} %"), form="percent")


def points(place: str, difference: float) -> Fact:
    """A difference of two shares in percentage points, with three significant digits."""
    shown = f"{100 * difference:.3g}".replace("-", "−")
    return Fact(place=same(place), shown=Text(f"{shown} points", f"{shown} 个百分点"), form="percent")


def factor(place: str, excess: float) -> Fact:
    """One more than a number: how many times something may be."""
    return Fact(place=same(place), shown=same(number(1 + excess)), form="factor")


def quoted(place: str, english: str, chinese: str | None, *, place_zh: str | None = None) -> Fact:
    """A text of report.json, and beside it that of the same name with `_zh`; the English one where that is missing.

    Args:
        place: where the English one stands.
        english: it.
        chinese: the Chinese one, if there is one.
        place_zh: where that stands, if not beside it.
    """
    other = (place_zh or f"{place}_zh") if chinese else place
    return Fact(place=Text(place, other), shown=Text(english, chinese or english))


def verbatim(place: str, value: object) -> Fact:
    """A text of report.json that reads alike in both languages, such as a digest or a version."""
    return Fact(place=same(place), shown=same(value))
