"""The command line. Every command exits 0 when its work is done; only `verdict` and `run --gate` exit with a verdict.

| code | meaning |
|---|---|
| 0 | done; for `verdict` and `run --gate`: upheld |
| 1 | failed, crashed or busy |
| 2 | what was written or given is wrong, or a study that is asked for its result is not finished |
| 3, 4, 5 | `verdict` and `run --gate` only: refuted, undecided, void |
| 6 | `immunize` only: the model was made and is damaged |
| 130 | interrupted |
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import signal
import sys
import warnings
from types import FrameType

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
CLOSED = "standard output is closed, and what a command says goes there. Send it to a file or to /dev/null"
QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "PYTHONWARNINGS": "ignore",
}
"""What keeps the bars, hints and warnings of other libraries off the screen, in worker processes too."""


class Interrupted(BaseException):
    """The process was asked to end, by SIGINT or SIGTERM."""


def main() -> None:
    """Run the command line and exit with the code that says how it ended."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        _silence_libraries()
        code = command(sys.argv[1:]) if _streams_are_open() else _said(CLOSED, WRONG)
        sys.stdout.flush()
    except Interrupted:
        code = _said("interrupted; what was finished is kept, and the next run goes on from there", INTERRUPTED)
    except OSError:  # of a stream of ours: whoever read it has gone (`titer list judges | head -1`), a full disk
        code = FAILED
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _streams_are_open() -> bool:
    """Make the standard streams such that any sign can be written; whether standard output is one.

    What is closed gets the null device, or the next file that is opened would take its number. A locale that knows
    nothing but ASCII (`LC_ALL=POSIX`) gets UTF-8, which JSON is in anyway; another one shows what it lacks by numbers.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    wanted = sys.stdout is not None
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if ascii_only else None, errors="backslashreplace")
    return wanted


def command(arguments: list[str]) -> int:
    """Run one command; the exit code."""
    from titer.cli.app import app
    from titer.errors import InputError, TiterError

    try:
        app(arguments, prog_name="titer")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    except InputError as error:
        return _said(str(error), WRONG)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            named = InputError(str(error.filename), "no file system takes so long a name", "Give a shorter one.")
            return _said(str(named), WRONG)
        return _said(str(error), FAILED)
    except TiterError as error:
        return _said(str(error), FAILED)
    return DONE


def _said(message: str, code: int) -> int:
    from titer.errors import LONGEST, shown

    print(f"titer: {shown(message, LONGEST)}", file=sys.stderr)
    return code


def _silence_libraries() -> None:
    """Set `QUIET`; what the user has set stays."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End in order at the first signal, at once at a second one of its kind."""
    del frame
    signal.signal(number, signal.SIG_DFL)
    raise Interrupted
