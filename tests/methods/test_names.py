"""The core names no method: outside `titer.methods` no code asks what a method is called.

The parts that single methods play stand in `titer.methods.roles`, what a protocol leaves out in
`titer.protocol.defaults`. Some names are words of other lists too (a judge named `loss` reads a loss): such a word
counts only where it stands beside a method's name.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import pytest
from support import ROOT

from titer.methods import registry, roles
from titer.protocol import dose_axes
from titer.protocol.data_sources import BenignConfig, TaskConfig
from titer.records import Kind
from titer.study.tasks import CellSpec
from titer.training.sft import RowSource

SOURCE = ROOT / "src" / "titer"
EXEMPT = (
    "methods",
    "protocol/defaults.py",
    "cli/methods/described.py",  # meanings of parameters, by their names
    "report/html/charts.py",  # words of Vega-Lite
)
CHOICES = ("Choice", "AttackChoice", "MethodChoice")
ON_TEXTS = ("removeprefix", "removesuffix", "replace", "startswith", "endswith", "get", "frozenset", "set")
NAMES = {name for catalog in registry.CATALOGS.values() for name in catalog.own}


def words(annotation: Any) -> set[str]:
    """Every word that an annotation lists."""
    inner = get_args(annotation)
    return {annotation} if isinstance(annotation, str) else {word for part in inner for word in words(part)}


SHARED = NAMES & {
    *words(Kind),
    *words(RowSource),
    *words(CellSpec.model_fields["purpose"].annotation),
    *words(TaskConfig.model_fields["kind"].annotation),
    *words(BenignConfig.model_fields["splits"].annotation),
    *(axis.name for axis in vars(dose_axes).values() if isinstance(axis, dose_axes.Axis)),
    "none",
}
"""Names that are a kind of judge, a part of a study, of task, a split, a dose axis, or no method at all as well."""


def literals(node: ast.AST) -> set[str]:
    """The names written in an operand: itself, or in a list, tuple, set or dict that it is."""
    if isinstance(node, ast.Constant):
        return {node.value} & NAMES if isinstance(node.value, str) else set()
    inner: list[ast.expr] = []
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        inner = list(node.elts)
    elif isinstance(node, ast.Dict):
        inner = [*(key for key in node.keys if key is not None), *node.values]
    elif isinstance(node, ast.Call) and called(node) in ("frozenset", "set"):
        inner = list(node.args)
    return {name for part in inner for name in literals(part)}


def called(node: ast.Call) -> str:
    """The last part of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "name"


def named(node: ast.AST) -> set[str]:
    """The methods that an expression or assignment names by itself; those within it are told of their own."""
    match node:
        case ast.Compare():
            operands = (node.left, *node.comparators)
            found = {name for operand in operands for name in literals(operand)}
            return found if any(map(is_name, operands)) else found - SHARED
        case ast.Subscript():
            return literals(node.value) if is_name(node.slice) else literals(node.slice) - SHARED
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            return literals(node) - SHARED
        case ast.MatchValue(value=value) | ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return literals(value) - SHARED
        case ast.Call() if called(node) in CHOICES:
            given = [*node.args[:1], *(own.value for own in node.keywords if own.arg == "name")]
            return {name for argument in given for name in literals(argument)}
        case ast.Call() if called(node) in ON_TEXTS:
            return {name for argument in node.args for name in literals(argument)} - SHARED
    return set()


def faults(tree: ast.Module) -> set[str]:
    """Every method that is named, with its line."""
    lines = ((node, getattr(node, "lineno", 0)) for node in ast.walk(tree))
    return {f"{line} names '{name}'" for node, line in lines for name in named(node)}


def looked_at() -> list[Path]:
    exempt = [SOURCE / place for place in EXEMPT]
    return [path for path in sorted(SOURCE.rglob("*.py")) if not any(path.is_relative_to(place) for place in exempt)]


def test_no_code_outside_the_methods_names_one() -> None:
    assert len(looked_at()) > 100
    found = {
        f"{path.relative_to(SOURCE)}:{fault}"
        for path in looked_at()
        for fault in faults(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(), "put it into titer/methods/roles.py, or let the method declare what is asked of it"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("if choice.name == 'direct': pass", "direct"),
        ("fed = choice.name not in {'none', 'checkpoint'}", "checkpoint"),
        ("judge = {'generate': 'normalized_match'}[task.kind]", "normalized_match"),
        ("done = task.attack.name == 'baseline'", "baseline"),
        ("Choice(name='loss')", "loss"),
        ("kind = {'loss': 1}[choice.name]", "loss"),
        ("FED = frozenset({'no_op'})", "no_op"),
        ("label.replace('direct', x, 1)", "direct"),
        ("DEFAULT: Final = 'refusal_ablation'", "refusal_ablation"),
    ],
)
def test_a_name_is_found_wherever_it_decides(code: str, name: str) -> None:
    assert f"1 names '{name}'" in faults(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "if judge.kind == 'loss': pass",
        "purpose = 'sham'",
        "x = terms['loss']",
        "path / 'organism' / 'checkpoint'",
    ],
)
def test_a_word_of_another_list_is_no_name(code: str) -> None:
    assert faults(ast.parse(code)) == set()


def test_what_plays_a_part_is_in_the_registry() -> None:
    assert roles.BASELINE in registry.ATTACKS
    assert {roles.NO_DEFENSE, roles.NO_OP} == roles.UNCHANGING <= set(registry.DEFENSES)
    assert set(roles.PROBE_OF_TASK.values()) <= set(registry.PROBES)
    assert set(roles.JUDGE_OF_TASK.values()) <= set(registry.JUDGES)
    assert set(roles.PROBE_OF_TASK) == set(roles.JUDGE_OF_TASK) == words(TaskConfig.model_fields["kind"].annotation)
