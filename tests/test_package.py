"""The package as others install it: a wheel and a source archive, and a clean environment that runs titer."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from support import ROOT

PACKAGE = ROOT / "src" / "titer"


def done(*command: object, cwd: Path = ROOT) -> str:
    """Run a command to its end; what it said."""
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.mark.slow
def test_the_descriptions_are_ready_for_an_index(dist: Path) -> None:
    assert done(sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()).count("PASSED") == 2


@pytest.mark.slow
def test_wheel_and_archive_hold_every_file_of_the_package(dist: Path) -> None:
    listed = done("git", "ls-files", "src/titer").splitlines()
    (wheel,), (archive,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {path.removeprefix("src/") for path in listed} <= held
    assert any(path.endswith(".safetensors") for path in held)
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {*listed, "CONTRIBUTING.md", "LICENSE", "README.md"} <= names


@pytest.mark.slow
def test_a_clean_environment_runs_the_installed_wheel(dist: Path, tmp_path: Path) -> None:
    """Its dependencies are those of this environment, seen through a path file: nothing is downloaded."""
    (wheel,), home = dist.glob("*.whl"), tmp_path / "venv"
    done(sys.executable, "-m", "venv", home)
    python = home / "bin" / "python"
    done(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    site = Path(done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    clean = ["env", "-u", "PYTHONPATH"]
    where = done(*clean, python, "-c", "import titer; print(titer.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(home)
    titer = [*clean, home / "bin" / "titer"]
    assert done(*titer, "--version", cwd=tmp_path).startswith("titer ")
    assert "direct" in done(*titer, "list", "attacks", cwd=tmp_path)
    assert "standard-1" in done(*titer, "list", "presets", cwd=tmp_path)
    done(*titer, "init", tmp_path / "study", cwd=tmp_path)
    assert "cells to go" in done(*titer, "plan", tmp_path / "study", cwd=tmp_path)
