"""A small web site: one page of every kind that a check of web sites must tell apart."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from monitorpy.lab.tcp_server import TcpServer

PAGE = """<!doctype html>
<html lang="en"><head><title>The lab</title></head>
<body><h1>Welcome to the lab</h1><p>All systems normal.</p></body></html>
"""

HEALTH: Mapping[str, Any] = {
    "status": "ok",
    "version": "2.4.1",
    "queue": {"depth": 42, "oldest_seconds": 1.5},
    "cache": {"hit_percent": 97.2},
    "workers": [{"name": "alpha", "alive": True, "load": 0.4}, {"name": "beta", "alive": True, "load": 0.7}],
}


class HttpServer(TcpServer):
    """Serves the site; ``user`` and ``password`` open ``/private``. With ``tls`` it is an https site.

    Paths: ``/``, ``/health`` (JSON), ``/headers`` (JSON: the request's headers), ``/slow?seconds=0.3``, ``/status/CODE``,
    ``/unavailable`` (503), ``/redirect`` (to ``/``), ``/redirect-loop``, ``/private`` (basic authentication),
    ``/flaky/NAME`` (503 and 200 in turns, counted per NAME). Everything else is 404.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, user: str = "demo", password: str = "correct horse") -> None:  # noqa: S107 - of a lab
        super().__init__(tls=tls)
        self.credentials = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.visits: Counter[str] = Counter()

    def handle(self, sock: socket.socket) -> None:
        _Handler(sock, ("127.0.0.1", 0), self)  # type: ignore[arg-type]  # it only hands the server on to us


class _Handler(BaseHTTPRequestHandler):
    """One connection, HTTP/1.1 with keep-alive; the work is done when the constructor returns."""

    server: HttpServer  # type: ignore[assignment]  # see HttpServer.handle
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other (Nagle, delayed acknowledgement)

    def do_GET(self) -> None:
        self._drain()
        first, _, rest = urlsplit(self.path).path[1:].partition("/")
        route = _ROUTES.get(first)
        if route is None:
            self.answer(404, "<h1>Not found</h1>\n")
        else:
            route(self, rest)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the names are http.server's

    def answer(
        self, status: int, body: str, content_type: str = "text/html; charset=utf-8", headers: Mapping[str, str] | None = None
    ) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer_json(self, data: Any) -> None:
        self.answer(200, json.dumps(data, indent=2) + "\n", "application/json")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """Keep the terminal for the report."""

    def version_string(self) -> str:
        """The Server header."""
        return "MonitorPyLab/1.0"

    def _drain(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))


def _home(request: _Handler, _: str) -> None:
    request.answer(
        200, PAGE, headers={"Last-Modified": formatdate(0, usegmt=True), "X-Frame-Options": "DENY", "Cache-Control": "max-age=60"}
    )


def _health(request: _Handler, _: str) -> None:
    request.answer_json(HEALTH)


def _headers(request: _Handler, _: str) -> None:
    request.answer_json({"method": request.command, "headers": {name.lower(): value for name, value in request.headers.items()}})


def _slow(request: _Handler, _: str) -> None:
    seconds = float(parse_qs(urlsplit(request.path).query).get("seconds", ["0.3"])[0])
    request.server.closing.wait(seconds)
    request.answer(200, PAGE)


def _status(request: _Handler, code: str) -> None:
    known = code.isdecimal() and int(code) in {s.value for s in HTTPStatus if s.value >= 200}  # noqa: PLR2004 - 1xx are no answers
    status = HTTPStatus(int(code) if known else 404)
    request.answer(status, f"<h1>{status.value} {status.phrase}</h1>\n")


def _unavailable(request: _Handler, _: str) -> None:
    request.answer(503, "<h1>Down for maintenance</h1>\n", headers={"Retry-After": "120"})


def _redirect(request: _Handler, _: str) -> None:
    request.answer(302, "", headers={"Location": "/"})


def _redirect_loop(request: _Handler, _: str) -> None:
    request.answer(302, "", headers={"Location": "/redirect-loop"})


def _private(request: _Handler, _: str) -> None:
    if hmac.compare_digest(request.headers.get("Authorization", "").encode(), request.server.credentials.encode()):
        request.answer(200, "<h1>The private page</h1>\n")
    else:
        request.answer(401, "<h1>Who are you?</h1>\n", headers={"WWW-Authenticate": 'Basic realm="lab"'})


def _flaky(request: _Handler, name: str) -> None:
    request.server.visits[name] += 1
    if request.server.visits[name] % 2:
        request.answer(503, "<h1>Try again</h1>\n")
    else:
        request.answer(200, PAGE)


_ROUTES: Mapping[str, Callable[[_Handler, str], None]] = {
    "": _home,
    "health": _health,
    "headers": _headers,
    "slow": _slow,
    "status": _status,
    "unavailable": _unavailable,
    "redirect": _redirect,
    "redirect-loop": _redirect_loop,
    "private": _private,
    "flaky": _flaky,
}
