"""The example of a package that brings methods: it is built and installed without a network, tested, and studied."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.command import ENVIRONMENT, TITER, Here
from support.studies import small_protocol, write_toml

EXAMPLE = ROOT / "examples" / "plugin"
PACKAGE = "titer-plugin-example 0.1.0"
BUILD = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]


def beside(*folders: Path) -> dict[str, str]:
    """The environment of a process that finds packages in some folders besides."""
    paths = [*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}


def run(command: list[object], environment: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    called = [*map(str, command)]
    return subprocess.run(
        called, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=dict(environment)
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example was built and installed into, from a copy of it."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", *BUILD, "--target", folder / "site", folder / "source"]
    done = run(command, ENVIRONMENT, folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


LIST_ALL = """
from titer.cli import command
for kind in ("attacks", "defenses", "judges"):
    command(["list", kind, "--json"])
"""


def test_list_says_where_each_method_comes_from(installed: Path, tmp_path: Path, here: Here) -> None:
    done = run([sys.executable, "-c", LIST_ALL], beside(installed), tmp_path)
    assert done.returncode == 0, done.stderr
    listed = map(json.loads, done.stdout.splitlines())
    attacks, defenses, judges = ({method["name"]: method["from"] for method in methods} for methods in listed)
    assert attacks["silence"] == defenses["damped_head"] == judges["mentions"] == PACKAGE
    assert attacks["direct"] == "titer"
    assert "silence" not in {method["name"] for method in json.loads(here("list", "attacks", "--json").out)}


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tests]
    done = run(command, beside(installed), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def change(data: dict[str, Any]) -> dict[str, Any]:
    """The small study with the attack, the defense and the judge of the example."""
    data["attacker"]["attack"] = [{"name": "silence", "ladder": {"silenced_blocks": [0, 1, 2]}}]
    data["attacker"]["budget"] = {"steps": 4, "silenced_blocks": 1}
    data["attacker"]["sham"] = False
    data["defense"] = [{"name": "damped_head", "share": 0.5}]
    data["harm"]["grading"]["harm"] = {"name": "mentions", "ignore_case": False}
    return data


@pytest.mark.long
def test_a_study_with_all_three_is_run_and_reported(installed: Path, tmp_path: Path, here: Here) -> None:
    environment = beside(installed)
    protocol, folder = tmp_path / "plugin.toml", tmp_path / "study"
    write_toml(protocol, change(small_protocol(tmp_path / "in")))
    done = run([TITER, "run", protocol, "--out", folder, "--jobs", 1], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    curves = [curve for curve in report["curves"] if curve["attack"] == "silence"]
    assert {curve["subject"] for curve in curves} == {"undefended", "defended"}
    assert {tuple(curve["doses"]) for curve in curves} == {(0, 1, 2)}
    assert all(point["displacement"] > 0 for curve in curves for point in curve["points"] if point["dose"])
    assert report["kinds"]["harm:red"]["harm"] == "harm"
    assert "silence" in (folder / "report.md").read_text(encoding="utf-8")
    without = here("plan", protocol, "--out", tmp_path / "other")
    assert without.code == 2
    assert "unknown defense 'damped_head'" in without.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("import a_package_that_there_is_not", "cannot be imported: ModuleNotFoundError"),
        ("class Mine: pass", "is no Attack"),
        ("from titer.methods.attacks.fine_tuning.direct import Direct as Mine", "says that its name is 'direct'"),
    ],
)
def test_a_package_that_cannot_be_used_is_told_in_one_message(tmp_path: Path, module: str, problem: str) -> None:
    info = tmp_path / "odd-3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 3.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[titer.attacks]\nmine = odd:Mine\n", encoding="utf-8")
    (tmp_path / "odd.py").write_text(module, encoding="utf-8")
    done = run([TITER, "list", "attacks"], beside(tmp_path), tmp_path)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert problem in said
    assert "Repair odd 3.0, or uninstall it." in said
    assert "Traceback" not in said
