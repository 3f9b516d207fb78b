"""The numbers of a page, each compared with the place in report.json that it says it is from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple

from titer.errors import shown
from titer.records import canonical
from titer.report.html.page import LONGEST


class Said(NamedTuple):
    """A piece of text, with the place and the form of the fact that it is, if it is one."""

    text: str
    path: str | None
    form: str | None
    tags: tuple[tuple[str, str], ...]


class Page(HTMLParser):
    """The pieces of text of a page, in order, and its scripts."""

    VOID = frozenset({"meta", "link", "img", "br", "line"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.said: list[Said] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag not in self.VOID:
            self.open.append((tag, known))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            own = self.open[-1][1] if self.open else {}
            tags = tuple((tag, attrs.get("id") or attrs.get("class", "")) for tag, attrs in self.open)
            self.said.append(Said(data, own.get("data-path"), own.get("data-form"), tags))

    def inside(self, tag: str, name: str) -> list[str]:
        """The texts inside an element, by its id or class."""
        return [one.text for one in self.said if (tag, name) in one.tags]


def at(data: Any, path: str) -> Any:
    """What stands at a JSON pointer."""
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        data = data[int(key)] if isinstance(data, list) else data[key]
    return data


def number_in(text: str) -> float:
    """The one number of a text."""
    (found,) = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text.replace("−", "-"))
    return float(found)


def close(text: str, value: float) -> bool:
    """Whether a text is a value up to the digits that it shows: three at least."""
    return abs(number_in(text) - value) <= 0.005 * abs(value) + 1e-12


def agrees(one: Said, data: Any) -> bool:
    """Whether a fact says what stands in its place."""
    value = at(data, one.path or "")
    match one.form:
        case "count":
            return value == int(value) and one.text == str(int(value))
        case "number":
            return close(one.text, value)
        case "percent":
            return close(one.text, 100 * value)
        case "factor":
            return close(one.text, 1 + value)
        case "mean":
            return close(one.text, value["total"] / value["scored"])
        case "most":
            counted = value.get("harmful", value.get("total"))
            missing = value["items"] - value["scored"] if "scored" in value else 0
            return bool(int(one.text) == counted + value.get("unjudged", 0) + value.get("incoherent", 0) + missing)
        case "passed" | "asked":
            asked = [control["outcome"] for control in value if control["outcome"] != "not applicable"]
            return one.text == str(asked.count("upheld") if one.form == "passed" else len(asked))
        case "data":
            return one.text == shown(canonical(value), LONGEST)
        case _:
            return one.text == shown(str(value), LONGEST) or (isinstance(value, int) and close(one.text, value))


def wrong(page: Page, data: Any) -> list[Said]:
    """Every fact of a page that report.json does not say."""
    return [one for one in page.said if one.path is not None and not agrees(one, data)]


def unaccounted(page: Page) -> list[Said]:
    """Every text with a digit that is neither a fact, nor a name, nor the protocol, nor a program."""
    named = {("bdi", "given"), ("pre", "protocol")}
    free = {"script", "style", "title"}
    return [
        one
        for one in page.said
        if one.path is None
        and re.search(r"\d", one.text)
        and named.isdisjoint(one.tags)
        and free.isdisjoint(tag for tag, _ in one.tags)
    ]


def strings_of(data: Any) -> Iterator[str]:
    """Every text of a JSON document, keys too."""
    match data:
        case str():
            yield data
        case dict():
            for key, value in data.items():
                yield key
                yield from strings_of(value)
        case list():
            for value in data:
                yield from strings_of(value)


def specs_of(page: Page) -> dict[str, Any]:
    """The charts of a page by name."""
    found: dict[str, Any] = json.loads("".join(page.inside("script", "charts")))
    return found
