"""DNS over HTTPS (RFC 8484): one message by POST, over HTTP/2 or HTTP/1.1 as the server picks."""

from __future__ import annotations

import re
from dataclasses import replace
from time import perf_counter

import dns.message

from monitorpy.errors import NetError
from monitorpy.net import http2
from monitorpy.net.connect import Connection
from monitorpy.net.dnstransport import DOH_PATH, Phases, Question, Server, parsed, reach
from monitorpy.net.http_wire import Answer, request_bytes
from monitorpy.utils.masking import excerpt

_TYPE = "application/dns-message"
_LIMIT = 65535
"""Bytes; what a DNS message can have."""
_ALPN = ("h2", "http/1.1")
_OK = 200


def over_https(wire: bytes, server: Server, question: Question, phases: Phases) -> dns.message.Message:
    """Ask over a new connection. NetError unless a DNS message comes back; MissingExtraError without the extra ``doh``."""
    http2.require_h2("DNS over HTTPS", "doh")
    host = question.server_name or server.host
    path = server.path or DOH_PATH
    headers = [("user-agent", "MonitorPy"), ("accept", _TYPE), ("content-type", _TYPE), ("content-length", str(len(wire)))]
    with reach(server, question, phases) as connection:
        connection.start_tls(replace(question.tls, alpn=_ALPN), host)
        assert connection.tls is not None  # start_tls turned it on
        ask = _http2 if connection.tls.selected_alpn_protocol() == "h2" else _http1
        status, received, body = ask(connection, Server(host, server.port).place.removesuffix(":443"), path, headers, wire)
        peer = f"{connection.sock.peer}, asked for {path} over HTTPS,"
    if status != _OK:
        raise NetError(f"{peer} answers with status {status}, not {_OK}", phase="transfer", kind="protocol")
    if (kind := received.get("content-type", "").partition(";")[0].strip().lower()) != _TYPE:
        raise NetError(f"{peer} answers with {excerpt(kind, 80) or 'no content type'}, not {_TYPE}", phase="transfer", kind="protocol")
    return _aged(parsed(body, server), received.get("age", ""))


def _http2(
    connection: Connection, authority: str, path: str, headers: list[tuple[str, str]], wire: bytes
) -> tuple[int, dict[str, str], bytes]:
    answer = http2.request(connection, method="POST", authority=authority, path=path, headers=headers, body=wire, limit=_LIMIT)
    return answer.status, answer.headers, answer.body


def _http1(
    connection: Connection, authority: str, path: str, headers: list[tuple[str, str]], wire: bytes
) -> tuple[int, dict[str, str], bytes]:
    sock = connection.sock
    sock.await_answer()
    started = perf_counter()
    try:
        sock.sendall(request_bytes("POST", path, authority, [*headers, ("connection", "close")], wire))
        with Answer(sock, "POST") as answer:
            body, too_long = answer.read_body(_LIMIT)
            received = {name.lower(): value for name, value in answer.msg.items()}
    finally:
        first = sock.answered
        connection.phases.update({} if first is None else {"first_byte": first - started, "transfer": perf_counter() - first})
    if too_long:
        message = f"{sock.peer} sent more than the {_LIMIT} bytes that a DNS message can have"
        raise NetError(message, phase="transfer", kind="protocol")
    return answer.status, received, body


def _aged(message: dns.message.Message, age: str) -> dns.message.Message:
    """The message with the time it spent in an HTTP cache taken off its TTLs (RFC 8484, 5.1)."""
    if re.fullmatch(r"[0-9]{1,9}", age):
        for rrset in (*message.answer, *message.authority):
            rrset.ttl = max(0, rrset.ttl - int(age))
    return message
