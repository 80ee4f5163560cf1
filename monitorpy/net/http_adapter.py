"""Our adapter for requests: one request over one new connection of `net.connect`, phases measured, everything under the deadline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from time import perf_counter
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import SplitResult, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.http_wire import Answer, request_bytes
from monitorpy.net.proxy import Proxy
from monitorpy.net.resolve import Family
from monitorpy.net.sockets import DeadlineSSLSocket
from monitorpy.net.tls import TlsSettings
from monitorpy.utils.masking import excerpt

HTTP_TLS = TlsSettings(alpn=("http/1.1",))
PHASES = ("dns", "connect", "tls", "first_byte", "transfer")
DEFAULT_PORTS = {"http": 80, "https": 443}
_DEFAULT_SUFFIX = {scheme: f":{port}" for scheme, port in DEFAULT_PORTS.items()}
RedirectPolicy: TypeAlias = Literal["any", "same_host", "https_only"]
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_FOLDED = re.compile(r"\s*[\r\n]+\s*")


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to talk HTTP.

    ``address`` pins the host of the first URL (SNI and Host keep the name); hosts that a redirect names are resolved as usual, and
    get no client certificate. ``proxy`` is the only one: environment variables are never read. ``redirect_policy`` says which
    redirects may be followed: any, those to the same host, those to https. ``max_body`` counts bytes after decompression.
    """

    tls: TlsSettings = HTTP_TLS
    family: Family = "any"
    address: str | None = None
    proxy: Proxy | None = None
    follow_redirects: bool = True
    redirect_policy: RedirectPolicy = "any"
    max_redirects: int = 10
    max_body: int = 10 * 1024 * 1024


@dataclass(slots=True)
class Hop:
    """One request and its answer; the phases in seconds, None for what was not reached."""

    url: str
    phases: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(PHASES))
    status_code: int = 0
    http_version: str = ""
    address: str = ""
    certificate: bytes | None = None
    truncated: bool = False
    repeated: dict[str, list[str]] = field(default_factory=dict)


class DirectAdapter(BaseAdapter):
    """Sends prepared requests; `hops` tells of each. The body is read within `send`, so the Response it returns is closed.

    Where a redirect will be followed the body is left unread. Raises NetError, never requests' own exceptions.
    ``phases`` gets the sums over all hops.
    """

    def __init__(self, options: HttpOptions, deadline: Deadline, phases: MutableMapping[str, float | None]) -> None:
        super().__init__()
        self.options = options
        self.deadline = deadline
        self.phases = phases
        self.hops: list[Hop] = []
        self._first_host: str | None = None

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - what these say is in the options
        timeout: Any = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """One request, one answer."""
        hop = Hop(request.url or "")
        self.hops.append(hop)
        try:
            with self._connect(urlsplit(hop.url), hop) as connection:
                return self._exchange(connection, request, hop)
        finally:
            for phase, seconds in hop.phases.items():
                if seconds is not None:
                    self.phases[phase] = (self.phases.get(phase) or 0.0) + seconds

    def close(self) -> None:
        """Nothing stays open."""

    def _connect(self, url: SplitResult, hop: Hop) -> Connection:
        host, port = url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
        self._first_host = self._first_host or host
        first, options = host == self._first_host, self.options
        if options.proxy:
            tunnel = url.scheme == "https" or not options.proxy.forwards
            connection = options.proxy.connect(host, port, self.deadline, tunnel=tunnel, family=options.family, phases=hop.phases)
        else:
            address = options.address if first else None
            connection = connect(host, port, self.deadline, family=options.family, address=address, phases=hop.phases)
        try:
            hop.address = connection.address
            if url.scheme == "https":
                connection.start_tls(options.tls if first else replace(options.tls, client_cert=None, client_key=None), host)
                hop.certificate = cast(DeadlineSSLSocket, connection.sock).getpeercert(binary_form=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def _exchange(self, connection: Connection, request: PreparedRequest, hop: Hop) -> Response:
        sock = connection.sock
        sock.await_answer()
        proxy = self.options.proxy
        message = _message(request, proxy if proxy and proxy.forwards else None)
        started = perf_counter()
        try:
            with _ask(sock, message, request.method or "GET") as answer:
                return self._read(request, answer, hop)
        finally:
            first = sock.answered
            hop.phases["first_byte"] = (first or perf_counter()) - started
            if first is not None:
                hop.phases["transfer"] = perf_counter() - first

    def _read(self, request: PreparedRequest, answer: Answer, hop: Hop) -> Response:
        hop.status_code, hop.http_version = answer.status, f"{answer.version // 10}.{answer.version % 10}"
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self.options.proxy:
            raise self.options.proxy.unknown_client("the request", f"{answer.status} {excerpt(answer.reason, 80)}")
        response: Any = _response(request, answer, hop)
        response.connection = self  # digest authentication asks again through it
        body = b""
        if not self.leads_elsewhere(response):
            body, hop.truncated = answer.read_body(self.options.max_body)
        response._content, response._content_consumed = body, True  # noqa: SLF001 - as if .content had been read
        return cast(Response, response)

    def leads_elsewhere(self, response: Response) -> bool:
        """Whether it is a redirect that will be followed."""
        return self.options.follow_redirects and response.status_code in _REDIRECTS and "location" in response.headers


def _ask(sock: Any, message: bytes, method: str) -> Answer:
    try:
        sock.sendall(message)
    except NetError as broken:
        if broken.kind != "reset":
            raise
        try:  # a server may refuse a large body, or a client without certificate, before all is sent
            return Answer(sock, method)
        except NetError as said:
            raise (said if said.kind == "tls" else broken) from None
    return Answer(sock, method)


def _message(request: PreparedRequest, proxy: Proxy | None) -> bytes:
    """The request; for a proxy that forwards it with the whole URL, and with what tells the proxy (not the target) who asks."""
    url = urlsplit(request.url or "")
    headers: Iterable[tuple[str, str | bytes]] = request.headers.items()
    target = request.path_url
    if proxy and url.scheme == "http":
        target = (request.url or "").partition("#")[0]
        headers = [*headers, *proxy.headers.items()]
    body: Any = request.body  # bytes or None: fetch takes nothing else
    host = url.netloc.rpartition("@")[2].removesuffix(_DEFAULT_SUFFIX[url.scheme])
    return request_bytes(request.method or "GET", target, host, headers, body or b"")


def _response(request: PreparedRequest, answer: Answer, hop: Hop) -> Response:
    response = Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.url = request.url or ""
    response.request = request
    response.raw = answer
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in answer.msg.items():
        text = _FOLDED.sub(" ", value) if "\n" in value or "\r" in value else value  # RFC 9112, 5.2
        if name in headers:
            hop.repeated.setdefault(name.lower(), [headers[name]]).append(text)
            text = f"{headers[name]}, {text}"
        headers[name] = text
    response.headers = headers
    return response
