"""What a forger does who knows how titer writes its files."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.tampering.edits import flip_a_bit, rewrite
from benchmarks.tampering.subjects import VERDICTS, say
from titer.analysis.concluding import cells_of
from titer.protocol.loading import load
from titer.records import canonical
from titer.report.charts import CHARTS
from titer.study.folder import read_frozen, read_study
from titer.study.root import REGISTERED, ROOT, frozen_text, keep_root, read_root, register
from titer.study.sealing import seal
from titer.study.signature import SIGNATURE


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


def put_back_registration(folder: Path) -> None:
    """root.json as it was before the run, without all that was concluded since."""
    sealed = read_root(folder)
    begun = {name: sealed.leaves[name] for name in REGISTERED}
    keep_root(folder, sealed.model_copy(update={"root": None, "ended_with": None, "leaves": begun, "sealed_again": ()}))
    for path in folder.iterdir():
        if path.stem in ("verdict", "report", "ledger", *CHARTS):
            path.unlink()


def seal_again(folder: Path) -> str:
    """root.json put back to the registration, a score changed, and the study run again."""
    put_back_registration(folder)
    path = next(path for path in sorted(folder.glob("store/scores/*/*.jsonl")) if b'"value":' in path.read_bytes())
    rewrite(path, [], random.Random(0))
    assert say("run", str(folder)).code == 0
    return "sealed again, on "


def flip_weights(folder: Path) -> str:
    """One bit of the weights of the model that the study made."""
    path = next(folder.glob("store/subjects/*/*.safetensors"))
    flip_a_bit(path, [], random.Random(0))
    return str(path)


def redraw_chart(folder: Path) -> str:
    """Another word in a chart."""
    path = folder / "harm.svg"
    path.write_text(path.read_text(encoding="utf-8").replace("threshold", "no threshold"), encoding="utf-8")
    return str(path)


def rename(folder: Path) -> str:
    """Another name of the study."""
    path = folder / "protocol.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"faults"', '"proven-safe"'), encoding="utf-8")
    for name in ("verdict.json", "report.html", "report.md", "ledger.md", "report.json"):
        (folder / name).unlink()
    assert say("verdict", str(folder)).code in VERDICTS
    return "renamed: it was registered as 'faults'"


def sign_otherwise(folder: Path, namespace: str) -> str:
    """The root line, signed by a key of nobody's for something; what must be said of it."""
    key, line = folder.parent / "key", folder.parent / "line"
    line.write_text(read_root(folder).line + "\n", encoding="utf-8")
    for path in (key, key.with_suffix(".pub"), line.with_suffix(".sig")):
        path.unlink(missing_ok=True)
    for arguments in (
        ("-q", "-t", "ed25519", "-N", "", "-f", str(key)),
        ("-Y", "sign", "-q", "-f", str(key), "-n", namespace, str(line)),
    ):
        subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True)
    line.with_suffix(".sig").rename(folder / SIGNATURE)
    printed = subprocess.run(["ssh-keygen", "-lf", str(key)], check=True, capture_output=True, text=True).stdout
    return f"{printed.split()[1]} in the namespace '{namespace}'"


SAID: Mapping[str, Callable[[Path], str]] = {
    "root.json put back, score changed, run": seal_again,
    "another name": rename,
    "signed by another key": lambda folder: sign_otherwise(folder, "titer"),
    "signed for another namespace": lambda folder: sign_otherwise(folder, "file"),
}
"""What leaves a study that is whole: `verify` must say it beside the line."""
VERIFIED: Mapping[str, Callable[[Path], str]] = {
    "a bit of a made model's weights": flip_weights,
    "another word in a chart": redraw_chart,
}
"""What no verdict rests on, and only `verify` compares."""
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
    for path in folder.iterdir():
        if path.stem in ("verdict", "report", "ledger", "root", "seals", *CHARTS):
            path.unlink()
    shutil.rmtree(folder / "store" / "seals")
    register(folder, read_frozen(folder / "frozen.json"))
    study = read_study(folder)
    seal(study, cells_of(study))
