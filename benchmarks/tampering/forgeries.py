"""What a forger does who knows how titer writes its files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from titer.analysis.concluding import cells_of
from titer.protocol.loading import load
from titer.records import canonical
from titer.study.folder import read_frozen, read_study
from titer.study.root import ROOT, frozen_text, register
from titer.study.sealing import seal


def edit_protocol(folder: Path) -> str:
    """Another budget in the protocol alone."""
    path = folder / "protocol.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("budget = {steps = 4}", "budget = {steps = 2}"))
    return "protocol.toml"


def edit_threshold(folder: Path) -> str:
    """Another threshold, in protocol.toml and frozen.json alike."""
    path = folder / "protocol.toml"
    path.write_text(re.sub(r"threshold = [0-9.]+", "threshold = 0.9", path.read_text(encoding="utf-8")))
    frozen = read_frozen(folder / "frozen.json")
    forged = frozen.model_copy(update={"protocol": load(path)})
    (folder / "frozen.json").write_text(frozen_text(forged), encoding="utf-8")
    return "protocol.toml"


def edit_threshold_and_leaves(folder: Path) -> str:
    """The same, with the digests of both in root.json, but not what follows from them."""
    edit_threshold(folder)
    study, path = read_study(folder), folder / ROOT
    root = json.loads(path.read_text(encoding="utf-8"))
    root["leaves"]["protocol.toml"] = study.protocol.digest
    path.write_text(canonical(root), encoding="utf-8")
    return ROOT


def forge_verdict(folder: Path) -> str:
    """Another outcome in verdict.json."""
    path = folder / "verdict.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["outcome"] = "upheld" if data["outcome"] != "upheld" else "refuted"
    path.write_text(canonical(data), encoding="utf-8")
    return "verdict.json"


def forge_follows(folder: Path) -> str:
    """An earlier verdict in frozen.json that there never was."""
    path = folder / "frozen.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    earlier = {"study": "none", "digest": "0" * 32, "root": "0" * 64, "outcome": "upheld", "reason": "", "first": 90}
    data["earlier"] = [{**earlier, "indices": 1}]
    path.write_text(canonical(data) + "\n", encoding="utf-8")
    return "frozen.json"


def forge_failure(folder: Path) -> str:
    """A failure of the attack that there never was, in the store."""
    cell = next(iter(cells_of(read_study(folder))))[0]
    study = read_study(folder)
    study.store.write_failure(cell.key, "forged")
    return f"{cell.key}.jsonl was added"


FORGERIES: Mapping[str, Callable[[Path], str]] = {
    "edited protocol": edit_protocol,
    "edited threshold, frozen alike": edit_threshold,
    "edited threshold, leaves alike": edit_threshold_and_leaves,
    "forged verdict": forge_verdict,
    "forged follows": forge_follows,
    "forged failure": forge_failure,
}


def rewrite_everything(folder: Path) -> None:
    """Another threshold with all that follows from it: registered and finished anew with titer's own functions."""
    edit_threshold(folder)
    for name in ("verdict.json", "report.html", "report.md", "ledger.md", "report.json", ROOT):
        (folder / name).unlink(missing_ok=True)
    register(folder, read_frozen(folder / "frozen.json"))
    study = read_study(folder)
    seal(study, cells_of(study))
