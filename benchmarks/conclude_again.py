"""Every kept pack concluded by the rules of today: which words changed, and, with --write, its files made anew.

python -m benchmarks.conclude_again [--write] [FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from titer.analysis.assemble import assemble_packed
from titer.analysis.concluding import VERDICT, conclude_path
from titer.analysis.verdict import decide
from titer.conclude import keep_verdict, report
from titer.report.formats import PACKED
from titer.study.folder import CELLS
from titer.study.unpacking import read_packed

RESULTS: Final = Path("docs/results")
REPORT: Final = "report.json"


class Word(NamedTuple):
    """What one pack says of the whole and of each condition, before and after."""

    pack: str
    before: dict[str, str]
    after: dict[str, str]
    reason: str

    @property
    def changed(self) -> dict[str, str]:
        """The words that are others now, as "before to after"."""
        return {
            name: f"{self.before.get(name, 'none')} to {self.after[name]}"
            for name in self.after
            if self.before.get(name) != self.after[name]
        }


def packs(folder: Path) -> Iterator[Path]:
    """Every pack below a folder, in the order of their names."""
    return (path.parent for path in sorted(folder.rglob(CELLS)))


def word(pack: Path) -> Word:
    """The words of a pack, as it was written and as it is concluded now."""
    written = pack / VERDICT
    old = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {"outcome": "none", "conditions": []}
    now = decide(assemble_packed(read_packed(pack), pack))
    return Word(str(pack), _words(old), _words(now.to_data()), now.reason)


def _words(verdict: dict[str, Any]) -> dict[str, str]:
    return {"verdict": verdict["outcome"], **{one["name"]: one["outcome"] for one in verdict["conditions"]}}


def write(pack: Path) -> None:
    """Make the verdict of a pack anew, and the report beside it where there is one."""
    (pack / VERDICT).unlink(missing_ok=True)
    found = conclude_path(pack)
    keep_verdict(found, pack)
    if (pack / REPORT).exists():
        report(found, PACKED)
        for image in pack.glob("*.png"):
            image.unlink()


def main() -> None:
    """Print the words that changed, as a table."""
    folders = [Path(one) for one in sys.argv[1:] if one != "--write"] or [RESULTS]
    print("| pack | what changed | reason now |\n|---|---|---|")
    for pack in (one for folder in folders for one in packs(folder)):
        found = word(pack)
        changes = "; ".join(f"{name}: {change}" for name, change in found.changed.items()) or "nothing"
        print(f"| {found.pack} | {changes} | {found.reason if found.changed else ''} |", flush=True)
        if "--write" in sys.argv:
            write(pack)


if __name__ == "__main__":
    main()
