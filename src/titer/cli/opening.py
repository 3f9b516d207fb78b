"""How a command comes to its study."""

from __future__ import annotations

from pathlib import Path

from titer.cli.progress import Watch
from titer.study import Study, locate


def begin(where: Path, out: Path | None) -> Study:
    """The study that `where` names, frozen: from now on its protocol must not change."""
    with Watch("reading protocol, data and model"):
        from titer.freeze import open_study

        return open_study(locate(where, out))


def look(where: Path, out: Path | None) -> Study:
    """The same, but a study that has not begun yet is left so: its protocol may still be changed."""
    folder = locate(where, out)
    begun = (folder / "frozen.json").exists()
    try:
        return begin(folder, None)
    finally:
        if not begun and not (folder / "tasks.jsonl").exists():
            (folder / "frozen.json").unlink(missing_ok=True)
