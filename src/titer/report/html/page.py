"""The page: the view of a report put into the templates; whatever is text stays text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup, escape

from titer.errors import shown
from titer.report.html import charts
from titer.report.view.panels import PanelView
from titer.report.view.report_view import ReportView
from titer.report.view.said import Fact, Given, Language, Said, atoms, in_language, plain
from titer.report.view.tables import Marked
from titer.report.words import first_screen, sections

LONGEST: Final = 2_000
"""The most bytes of a name or a text from outside that the page shows at one place."""
_POLICY: Final = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
"""What the page may do: run its own scripts, known by their digests. It fetches nothing, and sends nothing."""


def render_page(view: ReportView, lang: Language) -> str:
    """The whole page, in one language.

    Args:
        view: what it shows.
        lang: the language.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("titer.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["marked"] = lambda cell: isinstance(cell, Marked)
    environment.filters |= {"say": _sayer(lang), "plain": partial(_plain, lang)}
    program, own = _vega(), _file("page.js")
    return environment.get_template("page.html.j2").render(
        view=view,
        lang=lang,
        first=first_screen,
        words=sections,
        colors=charts.HUES,
        hero=_hero(view, lang),
        charts=Markup(_json_data(_specs(view, lang))),
        css=Markup(_file("page.css")),
        scripts=[Markup(program), Markup(own)],
        policy=_POLICY.format(scripts=" ".join(f"'sha256-{_digest(script)}'" for script in (program, own))),
    )


def _specs(view: ReportView, lang: Language) -> Mapping[str, charts.Spec]:
    """Every chart by its key."""
    specs = {f"first-{panel.key}": _first_spec(panel, lang) for panel in view.first.picture}
    specs |= {panel.key: charts.panel_spec(panel, lang, shams=True) for panel in (*view.harm, *view.trainability)}
    specs |= {worst.key: charts.worst_spec(worst, lang) for worst in view.worst}
    return specs | {forest.key: charts.forest_spec(forest, lang) for forest in view.forests}


def _first_spec(panel: PanelView, lang: Language) -> charts.Spec:
    return charts.panel_spec(panel, lang, shams=False, height=170)


def _hero(view: ReportView, lang: Language) -> Mapping[str, Markup]:
    """The charts of the first screen as pictures, for who reads without scripts."""
    import vl_convert

    pictures = {}
    for panel in view.first.picture:
        spec = _first_spec(panel, lang) | {"width": 520, "background": "white"}
        svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        encoded = base64.b64encode(svg.encode()).decode()
        pictures[panel.key] = Markup("data:image/svg+xml;base64,") + encoded
    return pictures


def _sayer(lang: Language) -> Callable[[Said | None], Markup]:
    """What is said, as HTML: names and facts in elements that say where they are from."""

    def say(said: Said | None) -> Markup:
        return Markup("" if said is None else "".join(_atom(atom, lang) for atom in atoms(said, lang)))

    return say


def _plain(lang: Language, said: Said) -> str:
    return shown(plain(said, lang), LONGEST)


def _atom(atom: str | Fact | Given, lang: Language) -> str:
    """A piece of what is said, escaped."""
    match atom:
        case Fact():
            place, text = escape(in_language(atom.place, lang)), escape(shown(in_language(atom.shown, lang), LONGEST))
            return f'<span data-path="{place}" data-form="{atom.form}">{text}</span>'
        case Given():
            return f'<bdi class="given">{escape(shown(atom.text, LONGEST))}</bdi>'
        case _:
            return str(escape(atom))


def _json_data(value: Any) -> str:
    """JSON that no text inside can leave, in the script element of a page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


@cache
def _vega() -> str:
    """Vega and Vega-Lite as one script, of the version that draws the charts that are written as files."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _file(name: str) -> str:
    return files("titer.report.html").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
