"""The shape of the package: sizes, names that mean one thing, what packages offer, and the tree in the README."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from support import ROOT

from titer.methods import registry

PACKAGE = ROOT / "src" / "titer"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES})
MOST_FILES = 20
MOST_TOP_MODULES = 8
MOST_LINES = 250
MOST_FUNCTION_LINES = 60
"""The docstring counts; the aim is 40."""
DESCRIBED_FROM = 3
"""Parameters from which a docstring has a section for them."""


def modules_in(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("folder", FOLDERS, ids=dotted)
def test_a_folder_can_be_held_in_mind(folder: Path) -> None:
    assert len(modules_in(folder)) <= (MOST_TOP_MODULES if folder == PACKAGE else MOST_FILES)


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def functions_in(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_function_is_too_long_and_none_takes_keywords_of_any_name() -> None:
    lengths, open_ended = {}, []
    for path in FILES:
        for function in functions_in(path):
            name = f"{dotted(path)}.{function.name}"
            lengths[name] = (function.end_lineno or 0) - function.lineno + 1
            open_ended += [name] if function.args.kwarg is not None else []
    assert len(lengths) > 1_000
    assert {name: lines for name, lines in lengths.items() if lines > MOST_FUNCTION_LINES} == {}
    assert open_ended == []


def types_of(path: Path) -> Iterator[str]:
    """The public classes and type aliases that a file defines at its top level."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.BinOp() | ast.Name()):
                if re.fullmatch(r"[A-Z]+[a-z]\w*", name):
                    yield name


def test_no_public_type_is_defined_twice() -> None:
    places = defaultdict(list)
    for path in FILES:
        for name in types_of(path):
            if not name.startswith("_"):
                places[name].append(dotted(path))
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def offered() -> Iterator[tuple[str, object]]:
    """Every name that a package offers, with what it is."""
    for path in FILES:
        if path.name == "__init__.py":
            package = importlib.import_module(dotted(path))
            for name in vars(package).get("__all__", ()):
                yield f"{dotted(path)}.{name}", getattr(package, name)


def functions_of(name: str, thing: object) -> Iterator[tuple[str, object]]:
    """A function itself, or the public methods that a class is the first to define."""
    if inspect.isfunction(thing):
        yield name, thing
    elif inspect.isclass(thing):
        for method, defined in vars(thing).items():
            function = defined.__func__ if isinstance(defined, classmethod | staticmethod) else defined
            first = all(method not in vars(base) for base in thing.__mro__[1:])
            if first and inspect.isfunction(function) and not method.startswith("_"):
                yield f"{name}.{method}", function


def test_what_a_package_offers_says_what_its_parameters_are() -> None:
    seen: Counter[bool] = Counter()
    silent = []
    for name, thing in offered():
        for full_name, function in functions_of(name, thing):
            assert callable(function)
            parameters = [own for own in inspect.signature(function).parameters if own not in ("self", "cls")]
            if len(parameters) >= DESCRIBED_FROM:
                described = "Args:" in (inspect.getdoc(function) or "")
                seen[described] += 1
                silent += [] if described else [full_name]
    assert silent == []
    assert seen[True] > 10


def test_no_name_offered_is_that_of_a_module_beside_it() -> None:
    for path in FILES:
        if path.name == "__init__.py":
            names = set(vars(importlib.import_module(dotted(path))).get("__all__", ()))
            assert names.isdisjoint(modules_in(path.parent)), dotted(path)


def layers() -> list[set[str]]:
    """The packages and modules of titer by layer, top to bottom."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    written = contracts["importlinter:contract:order"]["layers"].strip().splitlines()
    return [set(re.split(r"\s*\|\s*", line.strip())) for line in written]


def test_the_tree_of_the_readme_is_the_tree() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text.partition("<!-- tree -->")[2].partition("<!-- /tree -->")[0]
    named = re.findall(r"^  ([\w/]+(?:\.py)?)", tree, flags=re.MULTILINE)
    names = [name.removesuffix("/").removesuffix(".py") for name in named]
    packages = [name.removesuffix("/") for name in named if name.endswith("/")]
    assert packages == [name for name in names if (PACKAGE / name).is_dir()]
    assert sorted(packages) == sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
    assert sorted(set(names) - set(packages)) == sorted(modules_in(PACKAGE))
    place = {name: number for number, layer in enumerate(layers()) for name in layer}
    assert [place[name] for name in names] == sorted(place[name] for name in names)


ENTRY_POINTS = {f"titer.{kind}" for kind in (*registry.CATALOGS, "executors")}
"""The groups under which other packages name their classes; they are no modules."""


def names_in(page: Path) -> list[str]:
    """The dotted names of the package that a page has in backticks."""
    return re.findall(r"`(titer(?:\.\w+)+)`", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_dotted_name_of_a_page_exists(page: Path) -> None:
    for name in set(names_in(page)) - ENTRY_POINTS:
        assert pkgutil.resolve_name(name) is not None


def test_the_way_of_a_cell_fits_on_a_screen_and_names_every_step() -> None:
    page = ROOT / "docs" / "concepts" / "the-way-of-a-cell.md"
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 50
    packages = {name.split(".")[1] for name in names_in(page)}
    assert packages >= {"protocol", "planning", "study", "execution", "analysis"}
