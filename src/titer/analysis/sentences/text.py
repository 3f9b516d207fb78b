"""A sentence in two languages, and how its fields are filled and its parts joined.

A doubled brace in a template is a brace of the sentence: `{{{domains}}}` becomes `{vaults, codes}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """The same in English and in Chinese; a template where it has fields in braces."""

    en: str
    zh: str


NOTHING = Text("", "")


def same(text: object) -> Text:
    """What reads alike in both languages: a number or a name."""
    return Text(str(text), str(text))


def listed(names: Iterable[str]) -> Text:
    """Names joined by the commas of each language."""
    return enumerated(map(same, names))


def enumerated(parts: Iterable[Text]) -> Text:
    """Parts of a list, joined by the commas of each language."""
    known = tuple(parts)
    return Text(", ".join(part.en for part in known), "、".join(part.zh for part in known))


def fill(template: Text, fields: Mapping[str, Text]) -> Text:
    """The template with its fields put in.

    Args:
        template: the sentence.
        fields: the text of each field by its name.

    Raises:
        KeyError: if a field of the template is not given.
    """
    return Text(
        template.en.format_map({name: text.en for name, text in fields.items()}),
        template.zh.format_map({name: text.zh for name, text in fields.items()}),
    )


def sentences(parts: Iterable[Text]) -> Text:
    """Whole sentences one after the other."""
    known = [part for part in parts if part != NOTHING]
    return Text(" ".join(part.en for part in known), "".join(part.zh for part in known))


def clauses(parts: Iterable[Text]) -> Text:
    """Parts of one sentence, joined by semicolons."""
    known = [part for part in parts if part != NOTHING]
    return Text("; ".join(part.en for part in known), "；".join(part.zh for part in known))


def capital(text: Text) -> Text:
    """With a capital letter at its beginning.

    >>> capital(Text("the model", "模型")).en
    'The model'
    """
    return Text(text.en[:1].upper() + text.en[1:], text.zh)


def percent(share: float) -> Text:
    """A share in percent.

    >>> percent(0.2).en, percent(0.125).en
    ('20 %', '12.5 %')
    """
    return same(f"{100 * share:.3g} %")


_SHARES = {0.5: Text("half", "一半"), 0.25: Text("a quarter", "四分之一"), 0.1: Text("a tenth", "十分之一")}


def share_of(share: float) -> Text:
    """A share of attackers or models in words, where there is a word.

    >>> share_of(0.5).en, share_of(0.3).en
    ('half', '30 %')
    """
    return _SHARES.get(share) or percent(share)
