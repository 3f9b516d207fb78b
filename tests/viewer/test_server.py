"""What the server answers: its own list, to its own name, for reading only."""

from __future__ import annotations

import re
import signal
import socket
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.command import start, titer

from titer.viewer.catalog import entries


def ask(address: str, path: str, method: str = "GET", host: str | None = None) -> tuple[HTTPResponse, str]:
    """One request, sent as it is written."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=host is not None)
        if host is not None:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read().decode()
    finally:
        connection.close()


def ids(shown: Path) -> dict[str, str]:
    return {entry.place: entry.id for entry in entries(shown)}


def test_the_list_names_every_study_as_text(address: str) -> None:
    answer, page = ask(address, "/")
    assert answer.status == 200
    for place in ("demo", "margin", "under-way", "deep/damaged"):
        assert f">{place}<" in page
    assert "<script" not in page
    assert "\x1b" not in page
    assert "default-src 'none'" in str(answer.headers["Content-Security-Policy"])


def test_a_search_shows_what_has_the_words(address: str) -> None:
    _, page = ask(address, "/?words=margin")
    assert ">margin<" in page
    assert ">demo<" not in page
    _, page = ask(address, "/?outcome=unfinished")
    assert ">margin<" not in page
    assert ">under-way<" in page


def test_a_packed_study_opens_as_its_report(address: str, shown: Path) -> None:
    answer, page = ask(address, f"/study/{ids(shown)['demo']}")
    assert answer.status == 200
    assert "Content-Security-Policy" in page
    assert "script" not in str(answer.headers["Content-Security-Policy"]), "a report says itself which scripts may run"
    _, chinese = ask(address, f"/study/{ids(shown)['demo']}?lang=zh")
    assert '<html lang="zh' in chinese


def test_an_unfinished_study_tells_how_far_it_is(address: str, shown: Path) -> None:
    answer, page = ask(address, f"/study/{ids(shown)['under-way']}")
    assert answer.status == 200
    assert "cells begun" in page
    assert 'http-equiv="refresh"' in page


def test_a_damaged_study_tells_what_is_wrong_and_nothing_runs(address: str, shown: Path) -> None:
    answer, page = ask(address, f"/study/{ids(shown)['deep/damaged']}")
    assert answer.status == 200
    assert "damaged" in page
    assert "<script" not in page
    assert "default-src 'none'" in str(answer.headers["Content-Security-Policy"])


def test_studies_that_may_not_be_compared_are_named(address: str, shown: Path) -> None:
    named = ids(shown)
    answer, page = ask(address, f"/compare?id={named['demo']}&id={named['margin']}")
    assert answer.status == 409
    assert "Compare studies that differ in" in page


@pytest.mark.parametrize(
    "path",
    [
        "/study/../secret.txt",
        "/study/..%2f..%2fsecret.txt",
        "/study/%2e%2e/secret.txt",
        "/secret.txt",
        "/demo/verdict.json",
        "//secret.txt",
        "/study/demo",
        "/study/",
        "/compare",
        "/compare?id=../secret.txt",
    ],
)
def test_nothing_is_served_but_what_the_list_holds(address: str, path: str) -> None:
    answer, page = ask(address, path)
    assert answer.status == 404
    assert "not a study" not in page


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_reading_is_allowed(address: str, method: str) -> None:
    assert ask(address, "/", method)[0].status == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost.evil.example"])
def test_a_foreign_name_is_refused(address: str, host: str) -> None:
    answer, page = ask(address, "/", host=host)
    assert answer.status == 421
    assert "demo" not in page


def test_its_own_names_are_answered(address: str) -> None:
    port = urlsplit(address).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"LOCALHOST:{port}"):
        assert ask(address, "/", host=host)[0].status == 200


def test_it_listens_on_this_machine_only(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"


def test_a_folder_that_is_none_and_a_port_that_is_taken_are_told(tmp_path: Path) -> None:
    done = titer("view", tmp_path / "missing")
    assert done.code == 2
    assert "this is no folder" in done.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = titer("view", tmp_path, "--port", taken.getsockname()[1])
    assert done.code == 2
    assert "--port" in done.err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_without_a_word_while_a_reader_is_connected(tmp_path: Path, sent: signal.Signals) -> None:
    with start("view", tmp_path, "--port", 0) as server:
        assert server.stdout is not None
        said = re.search(r"http://([\w.:]+)/", server.stdout.readline())
        assert said is not None
        reader = HTTPConnection(said.group(1), timeout=60)
        reader.request("GET", "/")
        assert reader.getresponse().read()
        server.send_signal(sent)
        out, err = server.communicate(timeout=60)
        reader.close()
    assert (server.returncode, out, err) == (0, "", "")
