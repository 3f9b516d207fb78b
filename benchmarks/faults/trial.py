"""One run of the command line in processes of its own, which cost a fork instead of seconds of imports.

The process that this is called in has the libraries loaded and has trained nothing: a trial is a fork of it in a
session of its own. The fork server of the trial is a fork as well, in place of an interpreter that imports all again;
what it does is that of `multiprocessing`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, forkserver, resource_tracker
from pathlib import Path

PATIENCE = 240.0
"""Seconds after which a trial hangs."""
LOADED = (
    "torch",
    "transformers",
    "peft",
    "altair",
    "vl_convert",
    "titer.cli.app",
    "titer.cli.run",
    "titer.execution.worker",
    "titer.report.charts",
    "titer.report.json_report",
    "titer.report.exports.markdown",
    "titer.report.html.page",
    "titer.report.ledger",
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, or minus the number of the signal; None where it hung. And what it said."""

    code: int | None
    said: str


def load() -> None:
    """Load whatever a run loads, and start what all trials share: once, before the first of them."""
    sys.dont_write_bytecode = True
    for name in LOADED:
        importlib.import_module(name)
    os.environ["PYTHONWARNINGS"] = "ignore"  # it would warn of what killed processes left to it
    resource_tracker.ensure_running()
    gc.collect()
    gc.freeze()


def run(folder: Path, arguments: list[str], arm: Callable[[], None], while_it_runs: Callable[[int], None]) -> Ended:
    """Run a command of titer to its end.

    Args:
        folder: where it runs; temporary files of its processes are in `tmp` below it.
        arguments: of the command line.
        arm: called first in the new process: what it changes is changed in all processes of the run.
        while_it_runs: called again and again with the number of its process group.
    """
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    said, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        _be_titer(folder, arguments, arm, says)
    os.close(says)
    words, ended = b"", False
    end = time.monotonic() + PATIENCE
    while not ended and time.monotonic() < end:
        while_it_runs(child)
        if select.select([said], [], [], 0.02)[0]:
            more = os.read(said, 65536)
            words, ended = words + more, not more
    os.close(said)
    if not ended:  # some process of the trial still lives
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    return Ended(code=os.waitstatus_to_exitcode(status) if ended else None, said=words.decode(errors="replace"))


def _be_titer(folder: Path, arguments: list[str], arm: Callable[[], None], says: int) -> None:
    """Become the command line, in a session of its own; all processes of it have `says` as their error output."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(says, 2)
        os.close(says)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.environ |= {"COLUMNS": "80", "HF_HUB_OFFLINE": "1"}
        tempfile.tempdir = str(folder / "tmp")
        sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
        sys.argv = ["titer", *arguments]
        arm()
        _fork_server()
        from titer.cli import main

        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _fork_server() -> None:
    """Give this process a fork server that is a fork of it, where `multiprocessing` would start an interpreter."""
    server = vars(forkserver._forkserver)
    with socket.socket(socket.AF_UNIX) as listener:
        address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
        listener.bind(address)
        listener.listen()
        alive, alive_until_closed = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(alive_until_closed)
            try:
                forkserver.main(listener.fileno(), alive, [])
            finally:
                os._exit(0)
        os.close(alive)
    server |= {"_forkserver_address": address, "_forkserver_alive_fd": alive_until_closed, "_forkserver_pid": child}
