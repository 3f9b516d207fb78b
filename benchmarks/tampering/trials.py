"""Each change tried on a copy of the study, and what each command says of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tampering.edits import EDITS
from benchmarks.tampering.subjects import KINDS, VERDICTS, Said, copied, say

COMMANDS = ("verdict", "verify", "report", "run")
REFUSED = (1, 2)


@dataclass
class Tally:
    """How often each change was tried, and noticed with the file named, by what it was and which command was asked."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    noticed: Counter[tuple[str, str]] = field(default_factory=Counter)
    unnoticed: list[str] = field(default_factory=list)

    def add(self, what: str, command: str, where: str, problem: str | None) -> None:
        """Count one attempt.

        Args:
            what: the change.
            command: the command that was asked.
            where: the file.
            problem: what is wrong with what it said; None if it noticed.
        """
        self.tried[what, command] += 1
        self.noticed[what, command] += problem is None
        if problem is not None:
            self.unnoticed.append(f"{what}, {where}, {command}: {problem}")

    def show(self) -> None:
        """Print a row for each change."""
        for what in dict.fromkeys(what for what, _ in self.tried):
            cells = (f"{self.noticed[what, one]} / {n}" if (n := self.tried[what, one]) else "" for one in COMMANDS)
            print(f"{what:<40}" + "".join(f"{cell:>10}" for cell in cells))


def tally_edits(
    whole: Mapping[str, Path], place: Path, commands: Sequence[str], files: int, seed: int, tally: Tally
) -> None:
    """Change so many files of each kind in each way.

    Args:
        whole: the finished study and its pack.
        place: where their copies are tampered with.
        commands: what is asked of each.
        files: how many of each kind at most.
        seed: what the choices are drawn from.
        tally: where it is counted.
    """
    for form, source in whole.items():
        for pattern in KINDS[form]:
            for what in EDITS:
                draw = random.Random(f"{seed} {form} {pattern} {what}")
                found = sorted(path.relative_to(source) for path in source.glob(pattern))
                assert found, f"the {form} has no {pattern}"
                for name in draw.sample(found, min(files, len(found))):
                    for command in commands:
                        folder = copied(source, place / "it")
                        others = [path for path in sorted(folder.glob(pattern)) if path != folder / name]
                        if changed := EDITS[what](folder / name, others, draw):
                            said = say(command, str(folder))
                            problem = problem_of(what, command, said, changed, folder, source)
                            tally.add(what, command, f"{source.name}/{name}", problem)


def problem_of(what: str, command: str, said: Said, changed: Sequence[Path], folder: Path, source: Path) -> str | None:
    """What is wrong with what a command said of a changed file; None if it noticed and named it, or lost nothing.

    Args:
        what: the change.
        command: the command.
        said: what it said.
        changed: the changed files.
        folder: the copy that they are in.
        source: the study or pack as it was.
    """
    if what in ("delete", "flip a bit") and said.code in (0, *VERDICTS):
        again, expected = (say("verdict", str(one), "--json") for one in (folder, source))
        harmless = changed[0].name == ("verdict.json" if what == "delete" else "protocol.toml")
        if (harmless or command == "run") and (again.code, again.text) == (expected.code, expected.text):
            return None  # a verdict that was deleted, a letter of the name or a comment, what `run` made anew as it was
    if said.code not in REFUSED:
        return f"it ended with {said.code}"
    named = any(str(path) in said.text or (path.name in said.text and str(folder) in said.text) for path in changed)
    return None if named else f"it did not name the file: {said.text.strip()[-300:]}"


def tally_forgeries(
    forgeries: Mapping[str, Callable[[Path], str]],
    study: Path,
    place: Path,
    commands: Sequence[str],
    tally: Tally,
    codes: Sequence[int] = REFUSED,
) -> None:
    """Let a forger at the study who knows titer.

    Args:
        forgeries: what is done, by name: each changes a study and says what must be said, such as the file.
        study: the finished study.
        place: where copies are tampered with.
        commands: what is asked of each.
        tally: where it is counted.
        codes: the exit codes that a command may end with.
    """
    for what, forge in forgeries.items():
        for command in commands:
            folder = copied(study, place / "it")
            named = forge(folder)
            said = say(command, str(folder))
            noticed = said.code in codes and named in said.text
            problem = None if noticed else f"it ended with {said.code}: {said.text.strip()[-300:]}"
            tally.add(what, command, "study", problem)
