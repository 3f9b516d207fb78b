"""The command line. Every command exits 0 when its work is done; only `verdict` and `run --gate` exit with a verdict.

| code | meaning |
|---|---|
| 0 | done; for `verdict` and `run --gate`: upheld |
| 1 | failed, crashed, unfinished or busy |
| 2 | what was written or given is wrong |
| 3, 4, 5 | `verdict` and `run --gate` only: refuted, undecided, void |
| 130 | interrupted |
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with the code that says how it ended."""
    from titer.cli.app import app
    from titer.errors import InputError, TiterError

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(standalone_mode=True)
    except InputError as error:
        _fail(str(error), 2)
    except TiterError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("interrupted; what was finished is kept, and the next run goes on from there", INTERRUPTED)


def _fail(message: str, code: int) -> None:
    print(f"titer: {message}", file=sys.stderr)
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
