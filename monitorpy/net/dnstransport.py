"""One DNS message to a name server and its answer, over UDP, TCP, TLS (RFC 7858) or HTTPS (RFC 8484), bounded by a Deadline."""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from collections.abc import MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import dns.exception
import dns.flags
import dns.message
import dns.rdatatype

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection, connect, mapped
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.resolve import Family, resolve
from monitorpy.net.tls import TlsSettings

Transport: TypeAlias = Literal["udp", "tcp", "tls", "https"]
Phases: TypeAlias = MutableMapping[str, float | None]

PORTS: dict[Transport, int] = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}
DOH_PATH = "/dns-query"

_HEADER = 12
_TRUNCATED = 0x02
"""The TC bit, in the third byte of a message."""
_BAD_WIRE = (dns.exception.DNSException, ValueError, IndexError, struct.error)
_SERVER = re.compile(r"\[(?P<v6>[^\]]+)\](?::(?P<v6port>\d+))?|(?P<host>[^:/]+)(?::(?P<port>\d+))?")
_SERVER_WANTED = "must be an address, address:port, [IPv6]:port or https://address/path"


@dataclass(frozen=True, slots=True)
class Server:
    """A name server: an address or a name, and a port; with DNS over HTTPS the path, too."""

    host: str
    port: int = 53
    path: str | None = None

    @classmethod
    def parse(cls, text: str, port: int = 53) -> Server:
        """From ``address``, ``name``, ``address:port``, ``[IPv6]:port`` or an ``https://`` URL. Raises ValueError.

        ``port`` is for texts without one, but for URLs.
        """
        if "://" in text:
            return cls._of_url(text)
        if text.count(":") > 1 and not text.startswith("[") and _is_ipv6(text):
            return cls(text, port)
        found = _SERVER.fullmatch(text)
        if found is None or (own := int(found["v6port"] or found["port"] or port)) not in range(1, 65536):
            raise ValueError(f"{_SERVER_WANTED}, not {text!r}")
        if found["v6"] and not _is_ipv6(found["v6"]):
            raise ValueError(f"{_SERVER_WANTED}, not {text!r}")
        return cls(found["v6"] or found["host"], own)

    @classmethod
    def _of_url(cls, text: str) -> Server:
        try:
            url = urlsplit(text)
            own = PORTS["https"] if url.port is None else url.port
        except ValueError:
            raise ValueError(f"{_SERVER_WANTED}, not {text!r}") from None
        plain = text.isascii() and text.isprintable() and " " not in text and "@" not in url.netloc and not url.fragment
        if url.scheme != "https" or not url.hostname or not own or not plain:
            raise ValueError(f"{_SERVER_WANTED}, not {text!r}")
        return cls(url.hostname, own, (url.path or DOH_PATH) + (f"?{url.query}" if url.query else ""))

    @property
    def place(self) -> str:
        """Host and port as they stand in a URL, whatever the port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        if self.path is not None:
            return f"https://{self.place.removesuffix(':443')}{self.path}"
        return self.host if self.port == 53 else self.place  # noqa: PLR2004 - DNS' own port is not shown


@dataclass(frozen=True, slots=True)
class Question:
    """How to ask: what every query of one check has in common."""

    rdtype: dns.rdatatype.RdataType
    deadline: Deadline
    transport: Transport = "udp"
    recurse: bool = True
    family: Family = "any"
    address: str | None = None
    """Pins the server's address."""
    dnssec: bool = False
    """Ask for signatures too (DO), unjudged by the server (CD): they are for us to judge."""
    tls: TlsSettings = TlsSettings()  # noqa: RUF009 - frozen
    server_name: str | None = None
    """The server's name where it is not its host: for SNI, the certificate and the host of HTTPS."""


def _is_ipv6(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def exchange(query: dns.message.Message, server: Server, question: Question, phases: Phases) -> tuple[dns.message.Message, Transport]:
    """The answer to a query, and how it came: a truncated one over UDP is asked for again over TCP.

    ``phases`` gets the seconds of the phases that the transport has. NetError: no answer, a malformed one, or one to something else.
    """
    wire = query.to_wire()
    if question.transport == "udp":
        message = _over_udp(query, wire, server, question, phases)
        if not message.flags & dns.flags.TC:
            return message, "udp"
    if question.transport == "https":
        from monitorpy.net.doh import over_https  # here, because no other transport needs HTTP

        message = over_https(wire, server, question, phases)
    else:
        message = _over_stream(wire, server, question, phases)
    if not query.is_response(message):
        raise NetError(f"{server} answers a question that was not asked", phase="transfer", kind="protocol")
    if message.flags & dns.flags.TC:
        raise NetError(f"{server} truncates its answer, although it does not come over UDP", phase="transfer", kind="protocol")
    return message, "tcp" if question.transport == "udp" else question.transport


def reach(server: Server, question: Question, phases: Phases) -> Connection:
    """A connection to the server; plain TCP so far. Raises NetError."""
    return connect(server.host, server.port, question.deadline, family=question.family, address=question.address, phases=phases)


def parsed(wire: bytes, server: Server, *, question_only: bool = False) -> dns.message.Message:
    """The message in these bytes. NetError if there is none."""
    try:
        return dns.message.from_wire(wire, question_only=question_only)
    except _BAD_WIRE as bad:
        why = str(bad) or type(bad).__name__
        raise NetError(f"malformed answer from {server} ({len(wire)} bytes): {why}", phase="transfer", kind="protocol") from None


def _over_udp(query: dns.message.Message, wire: bytes, server: Server, question: Question, phases: Phases) -> dns.message.Message:
    """One datagram: a second one would hide that the first was lost."""
    started = perf_counter()
    target = resolve(question.address or server.host, server.port, question.deadline, question.family)[0]
    phases["dns"] = perf_counter() - started
    started = perf_counter()
    with mapped("first_byte", str(target), question.deadline), socket.socket(target.family, socket.SOCK_DGRAM) as sock:
        try:
            # a connected socket takes datagrams from this address and port only, and hears when nothing listens there
            sock.connect((target.host, target.port))
            sock.send(wire)
            message = _receive(sock, query, server, question.deadline)
        except ConnectionRefusedError:
            raise NetError(f"nothing listens at {server} over UDP", phase="connect", kind="connect") from None
    phases["first_byte"] = perf_counter() - started
    return message


def _receive(sock: socket.socket, query: dns.message.Message, server: Server, deadline: Deadline) -> dns.message.Message:
    """The reply to the query; datagrams that do not belong to it (late, or forged) are passed over."""
    ignored = 0
    wire_id = struct.pack("!H", query.id)
    while True:
        what = f"no answer from {server} over UDP" + (f" ({ignored} datagrams that answer something else)" if ignored else "")
        sock.settimeout(deadline.timeout("first_byte", what))
        try:
            wire = sock.recv(65535)
        except TimeoutError:
            raise deadline.error("first_byte", what) from None
        if len(wire) >= _HEADER and wire[:2] == wire_id:
            # of a truncated one no more is looked at: it may end in the middle of a record
            message = parsed(wire, server, question_only=bool(wire[2] & _TRUNCATED))
            if query.is_response(message):
                return message
        ignored += 1


def _over_stream(wire: bytes, server: Server, question: Question, phases: Phases) -> dns.message.Message:
    """Over TCP or TLS each message comes after its length in two bytes (RFC 1035, 4.2.2; RFC 7858, 3.3)."""
    with reach(server, question, phases) as connection:
        if question.transport == "tls":
            connection.start_tls(question.tls, question.server_name or server.host)
        dialogue = Dialogue(connection)
        dialogue.send(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", dialogue.read_exactly(2, "the length of the answer"))
        return parsed(dialogue.read_exactly(size), server)
