"""`view`: the studies of a folder as a small web page on this machine."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from pathlib import Path

from titer.cli import Interrupted, output
from titer.errors import InputError


def serve(folder: Path, host: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        InputError: if the folder is none, the server is not installed, or the address cannot be had.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "this is no folder", "Name one with studies in it.")
    try:
        import uvicorn

        from titer.viewer.server import LOOPBACK, application
    except ModuleNotFoundError as error:
        raise InputError("titer view", f"{error.name} is not installed", "pip install 'titer[view]'.") from error
    with closing(_listening(host, port)) as listening:
        found = listening.getsockname()[1]
        named = f"[{host}]" if ":" in host else host
        output.say(f"Showing {folder} at http://{named}:{found}/ (read only; Ctrl-C ends it).")
        if host not in LOOPBACK:
            output.say(f"titer: whoever reaches {host} can read it", err=True)
        config = uvicorn.Config(application(folder, host), log_level="warning", access_log=False, lifespan="off")
        with suppress(Interrupted):
            uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        remedy = "Choose another --port, or 0 for any that is free."
        raise InputError(f"{host}:{port}", error.strerror or str(error), remedy) from error
