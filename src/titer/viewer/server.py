"""The web server of the viewer: it is read only, answers to its own names, and has nothing but what the list holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from titer.errors import TiterError
from titer.viewer import pages
from titer.viewer.catalog import Entry, entries
from titer.viewer.reports import compared_page, report_page

OWN_PAGES: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What the viewer's own pages may do."""
REPORTS: Final = "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
"""What is added to what a report says of itself: which scripts may run, and that nothing is fetched."""
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Viewer:
    """The pages of one folder."""

    root: Path

    def list(self, request: Request) -> Response:
        """The studies, those that are searched for."""
        words, outcome = request.query_params.get("words", ""), request.query_params.get("outcome", "")
        found = entries(self.root)
        shown = [one for one in found if one.matches(words) and outcome in ("", one.outcome, one.state)]
        return HTMLResponse(pages.list_page(shown, len(found), words, outcome))

    def study(self, request: Request) -> Response:
        """The report of a study, concluded anew; how far it is where it is not finished."""
        entry = self._entry(request.path_params["id"])
        if entry is None:
            return _missing()
        if entry.state not in ("finished", "packed"):
            return HTMLResponse(pages.unfinished_page(entry))
        language = request.query_params.get("lang", "en")
        return _concluded(lambda: report_page(self.root, entry, "zh" if language == "zh" else "en"), REPORTS)

    def compare(self, request: Request) -> Response:
        """The studies that were marked, side by side."""
        chosen = [self._entry(one) for one in dict.fromkeys(request.query_params.getlist("id"))]
        if not chosen or None in chosen:
            return _missing()
        return _concluded(lambda: compared_page(self.root, [one for one in chosen if one is not None]), OWN_PAGES)

    def style(self, request: Request) -> Response:
        """The style sheet."""
        return Response(pages.style(), media_type="text/css")

    def _entry(self, named: str) -> Entry | None:
        return next((entry for entry in entries(self.root) if entry.id == named), None)


class Guard(BaseHTTPMiddleware):
    """Answers only to the names of this server, so that no other page reads it through the reader's browser."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        super().__init__(app)
        self.names = names

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Refuse a foreign name; add what browsers should know."""
        if host_name(request.headers.get("host", "")) not in self.names:
            return PlainTextResponse("This server has another name.\n", status_code=421)
        response = await call_next(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Content-Security-Policy", OWN_PAGES)
        return response


def host_name(header: str) -> str:
    """The name in a Host header, without its port.

    >>> host_name("localhost:8000"), host_name("[::1]:8000")
    ('localhost', '::1')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def application(root: Path, host: str) -> Starlette:
    """The application that shows a folder.

    Args:
        root: the folder.
        host: the address that it is served at; it answers to that and to the names of this machine itself.
    """
    viewer = Viewer(root)
    routes = [
        Route("/", viewer.list),
        Route("/study/{id}", viewer.study),
        Route("/compare", viewer.compare),
        Route("/style.css", viewer.style),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, names=frozenset({*LOOPBACK, host.lower()}))])


def _missing() -> Response:
    return HTMLResponse(pages.error_page("Not here", "There is no such study in this folder."), status_code=404)


def _concluded(page: Callable[[], str], policy: str) -> Response:
    """A page that rests on what is concluded anew and may do what its policy allows; or what is wrong with it."""
    try:
        return HTMLResponse(page(), headers={"Content-Security-Policy": policy})
    except TiterError as error:
        return HTMLResponse(pages.error_page("This cannot be shown", str(error)), status_code=409)
