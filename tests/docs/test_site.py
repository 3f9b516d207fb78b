"""The documentation site: it builds without a complaint, every link in it leads somewhere, and nothing is fetched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support import ROOT

from docs.generate import api_reference, notebooks, pictures
from docs.generate.fenced_examples import fenced
from titer.methods.registry import CATALOGS
from titer.protocol import presets
from titer.protocol.loading import load

DOCS = ROOT / "docs"
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """The places, the links and the resources of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.ids |= {own[name] for name in ("id", "name") if name in own}
        if tag == "a" and "href" in own:
            self.links.append(own["href"])
        if tag in FETCHED and FETCHED[tag] in own:
            self.resources.append(own[FETCHED[tag]])


@cache
def page(path: Path) -> Page:
    return Page(path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, without what notebooks give: `make docs` runs them."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, notebooks.SWITCH: "no", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def broken(place: Path, target: str) -> bool:
    """Whether a link of a page leads to no file, or to no place in it."""
    parts = urlsplit(target)
    path = (place.parent / unquote(parts.path)).resolve() if parts.path else place
    path = path / "index.html" if path.is_dir() else path
    if not path.is_file():
        return True
    return bool(parts.fragment) and path.suffix == ".html" and unquote(parts.fragment) not in page(path).ids


@pytest.mark.model
def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 60
    links = [(path, link) for path in pages for link in page(path).links if not urlsplit(link).scheme]
    links = [(path, link) for path, link in links if path.name != "404.html"]
    assert len(links) > 3_000
    assert [(str(path.relative_to(site)), link) for path, link in links if broken(path, link)] == []


@pytest.mark.model
def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = [one for path in site.rglob("*.html") for one in page(path).resources]
    assert fetched
    assert [one for one in fetched if urlsplit(one).scheme not in ("", "data")] == []
    for path in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?https?:", path.read_text(encoding="utf-8")), path


@pytest.mark.model
def test_every_page_of_the_documents_is_a_page_of_the_site(site: Path) -> None:
    for path in DOCS.rglob("*.md"):
        place = path.relative_to(DOCS).with_suffix(".html")
        place = place.with_name("index.html") if place.name == "README.html" else place
        assert (site / place).is_file(), place


@pytest.mark.parametrize("package", api_reference.INTROS)
def test_the_reference_of_python_has_every_public_name(package: str) -> None:
    text = api_reference.page(package)
    names = re.findall(r"^::: [\w.]+\.(\w+)$", text, flags=re.MULTILINE)
    assert len(names) > 10
    if package == "titer":
        assert {"Attack", "Defense", "Judge", "Probe", "Executor", "open_study", "run", "conclude"} <= {*names}


def test_doctests_stand_in_blocks_of_code() -> None:
    assert fenced("Adds.\n\n>>> 1 + 1\n2\n\nEnd.") == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nEnd."


def test_the_pictures_draw_the_protocol_of_their_pack() -> None:
    protocol = load(pictures.PACK / "protocol.toml")
    assert protocol.trainability is not None
    assert protocol.stability is not None
    drawn = (pictures.THRESHOLD, pictures.BUDGET, pictures.TARGET, pictures.MARGIN)
    said = (protocol.harm.threshold, protocol.attacker.budget.steps)
    assert drawn == (*said, protocol.trainability.target["sides"], protocol.stability.margin)
    assert pictures.EN.keys() == pictures.ZH.keys()


def test_the_pictures_show_what_the_verdict_counts() -> None:
    found = pictures.of("resistance", attack="direct", role="harm")
    verdict = json.loads((pictures.PACK / "verdict.json").read_text(encoding="utf-8"))
    lines = [line for one in verdict["conditions"] if one["name"] == "resistance" for line in one["figures"]]
    for line in lines:
        if match := re.fullmatch(r"harm, seed (\d), direct-\w+, vaults, (\d+) steps", line["what"]):
            seed, dose = map(int, match.groups())
            at = (found["subject"] == line["subject"]) & (found["seed"] == seed) & (found["dose"] == dose)
            assert found[at]["counted"].tolist() == pytest.approx([line["value"]])


@pytest.mark.parametrize("path", sorted(notebooks.FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_gave(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 2
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert notebooks.TIMEOUT_SECONDS > 120


def test_the_page_on_choosing_names_what_there_is() -> None:
    text = (DOCS / "choosing.md").read_text(encoding="utf-8")
    known = {name for catalog in CATALOGS.values() for name in catalog.own} | {*presets.names()}
    named = re.findall(r"`(\w+)`|`preset = \"([\w-]+)\"`", text)
    assert len(named) > 30
    assert {one or other for one, other in named} - known == set()
