"""How texts and numbers are shown: what came from a model, data or a protocol can do no harm there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from titer.errors import shown
from titer.records import canonical

LONGEST: Final = 20_000
"""The most bytes of one text from outside; report.json and the tables have all of it."""
_MARKDOWN = frozenset("\\`*_[]#|~$")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_IN_JSON = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "`": "\\u0060"}


def escape(text: str) -> str:
    r"""`text` for a Markdown line or table cell, where it can be neither markup, HTML, nor a column.

    >>> print(escape("<b>|x_1"))
    &lt;b&gt;\|x\_1
    """
    signs = {**_HTML, **{sign: f"\\{sign}" for sign in _MARKDOWN}}
    return "".join(signs.get(ch, ch) for ch in shown(text, LONGEST).strip())


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\N{MINUS SIGN}": "--",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins, in the wide signs of East Asian keyboards, too."""


def tex(text: str) -> str:
    r"""`text` for a line of LaTeX, where it can be no command.

    >>> print(tex(r"50 % \input{x_1}"))
    50 \% \textbackslash{}input\{x\_1\}
    """
    return "".join(_TEX.get(ch, ch) for ch in shown(text, LONGEST))


def csv_text(text: str) -> str:
    """`text` for a cell of a table, where a spreadsheet takes it for no formula.

    >>> csv_text("=1+1"), csv_text("steps")
    ("'=1+1", 'steps')
    """
    clean = shown(text, LONGEST)
    return f"'{clean}" if clean.lstrip().startswith(_FORMULA) else clean


def json_block(value: Any) -> str:
    """A fenced block of indented JSON that no text inside can leave; it still parses to `value`."""
    import json

    text = json.dumps(json.loads(canonical(value)), indent=2, sort_keys=True, ensure_ascii=True)
    for sign, code in _IN_JSON.items():
        text = text.replace(sign, code)
    return f"```json\n{text}\n```"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. Cells are taken as they are: escape them first."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sentence(text: str) -> str:
    """`text` with one full stop at its end."""
    return f"{text.rstrip('. ')}."


def number(value: float | None) -> str:
    """Four significant digits; nothing where there is no number."""
    return "" if value is None else f"{value:.4g}"
