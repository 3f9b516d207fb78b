"""Every exception of titer, and the exit code of the command line that it ends in.

TiterError
├── InputError            2   what was written or given is wrong: place, problem, remedy
│   └── UnfinishedError       a result was asked for that is not there yet; says what is still missing
├── RunError              1   the work could not be done or finished here
│   ├── BusyError             another process is running this study
│   ├── MachineFailure        a task could not be done here, though it was tried again; the next run tries anew
│   └── DamagedError          a file of the store is not what was written
└── MethodFailure             a method's own failure, for instance a loss that is not finite; it is
recorded as a result and never reaches the user as a crash
"""

from __future__ import annotations

from typing import Final

LONGEST: Final = 1_800
"""The most bytes of a message: fewer than the signs of a screen."""


def printable(text: str) -> str:
    r"""`text` on one line: white space becomes a space; control and direction marks the replacement sign.

    >>> printable("a\n\x1b[31mb")
    'a �[31mb'
    """
    return "".join(ch if ch.isprintable() else " " if ch.isspace() else "\ufffd" for ch in text)


def shown(text: str, most: int) -> str:
    """`text` as a message may show it: printable, and cut to so many bytes, with an ellipsis where it was longer.

    >>> shown("a long text", 8)
    'a lon…'
    """
    encoded = printable(text[: 2 * most]).encode()
    if len(encoded) <= most and len(text) <= 2 * most:
        return encoded.decode()
    return encoded[: max(0, most - 3)].decode(errors="ignore") + "…"


class TiterError(Exception):
    """The root: whatever titer raises on purpose. Its message can be printed, and does not fill a screen."""

    def __str__(self) -> str:
        return shown(super().__str__(), LONGEST)


class InputError(TiterError):
    """What the user wrote or gave cannot be used.

    Args:
        place: where it is, as a dotted path (`harm.domain.0.source`), an option or a file with its line.
        problem: what is wrong, with the value found.
        remedy: what to write or do instead.
    """

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(place, problem, remedy)
        self.place = place
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        place, part = shown(self.place, LONGEST // 8) or "input", LONGEST * 7 // 16 - 2
        return f"{place}: {shown(self.problem, part)}. {shown(self.remedy, part)}"


class UnfinishedError(InputError):
    """A result was asked for while some of its parts are missing."""


class RunError(TiterError):
    """The work could not be done or finished on this machine."""


class UnmadeError(RunError):
    """A method failed to make the subject that a whole study rests on.

    Attributes:
        reason: why.
    """

    def __init__(self, what: str, reason: str) -> None:
        remedy = "Change the defense's parameters in a study of its own: a new folder"
        super().__init__(f"{what} could not be made: {reason}. {remedy}")
        self.reason = reason


class BusyError(RunError):
    """Another process is running this study."""


class MachineFailure(RunError):
    """The machine failed at a task, not its method: nothing of it is recorded, and the next run tries anew.

    Args:
        task: its kind and key.
        reason: what happened, as the death of its worker.
    """

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task = task
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.task}: {self.reason}"


class DamagedError(RunError):
    """A file of the store is truncated or is not what was written."""


class MethodFailure(TiterError):
    """A method failed by its own doing, at a known dose: data, not a crash."""

    def __init__(self, reason: str, dose: int) -> None:
        super().__init__(reason, dose)
        self.reason = reason
        self.dose = dose

    def __str__(self) -> str:
        return f"{self.reason} at step {self.dose}"
