"""The one net around the parsers and loaders of other libraries: what they throw becomes a message with a place."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from titer.errors import InputError, TiterError

_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENFILE, errno.EMFILE)
"""What no other input would mend: these pass."""


@contextmanager
def reading(place: str, what: str, remedy: str) -> Iterator[None]:
    """Whatever the block's call into a foreign parser or loader throws becomes an `InputError`.

    Parsers throw what they like at hostile input: besides ValueError and OSError also KeyError, RecursionError,
    MemoryError, a bare Exception (tokenizers), and panics of Rust, which are no Exception at all. Put only such a call
    into the block: an error of titer's own code must stay one.

    Args:
        place: where the input is, as a dotted path (`harm.domain.0.source`), an option or a file with its line.
        what: what cannot be read, as the subject of a sentence (`'rows.jsonl'`).
        remedy: what to write or give instead.

    Raises:
        InputError: in place of any error but titer's own and those of the machine, such as a full disk.
    """
    try:
        yield
    except TiterError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            raise
        raise _unreadable(place, what, remedy, error) from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of Rust
            raise
        raise _unreadable(place, what, remedy, error) from error


def _unreadable(place: str, what: str, remedy: str, error: BaseException) -> InputError:
    if isinstance(error, MemoryError):
        return InputError(place, f"{what} cannot be read: it needs more memory than there is", remedy)
    if isinstance(error, RecursionError):
        return InputError(place, f"{what} cannot be read: it is nested too deeply", remedy)
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = told.strip().splitlines()
    first = lines[0].rstrip(".") if lines else ""
    named = first if isinstance(error, (ValueError, OSError)) and first else f"{type(error).__name__} {first}".strip()
    return InputError(place, f"{what} cannot be read: {named}", remedy)
