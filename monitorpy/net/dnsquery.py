"""One DNS question to one server, bounded by a Deadline. Importing this module imports dnspython."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from monitorpy.errors import NetError
from monitorpy.net.connect import connect, mapped
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.resolve import Address, Family, resolve

Transport: TypeAlias = Literal["udp", "tcp"]
Phases: TypeAlias = MutableMapping[str, float | None]

RESOLV_CONF = "/etc/resolv.conf"
PAYLOAD = 1232
"""Bytes of UDP answer that we announce to take: what passes every path unfragmented (DNS flag day 2020)."""

_MAX_ALIASES = 16
_HEADER = 12
_BAD_WIRE = (dns.exception.DNSException, ValueError, IndexError, struct.error)
_SERVER = re.compile(r"\[(?P<v6>[^\]]+)\](?::(?P<v6port>\d+))?|(?P<host>[^:]+)(?::(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Server:
    """A name server: an address or a name, and a port."""

    host: str
    port: int = 53

    @classmethod
    def parse(cls, text: str, port: int = 53) -> Server:
        """From ``address``, ``name``, ``address:port`` or ``[IPv6]:port``; ``port`` is for texts without one. Raises ValueError."""
        if text.count(":") > 1 and not text.startswith("["):
            return cls(text, port)
        found = _SERVER.fullmatch(text)
        if found is None or (own := int(found["v6port"] or found["port"] or port)) not in range(1, 65536):
            raise ValueError(f"must be an address, address:port or [IPv6]:port, not {text!r}")
        return cls(found["v6"] or found["host"], own)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port != 53 else self.host  # noqa: PLR2004 - DNS' own port is not shown
        return host if self.port == 53 else f"{host}:{self.port}"  # noqa: PLR2004


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says about a name, aliases followed.

    ``records`` are empty with rcode NOERROR when the name exists without records of that type (NODATA).
    ``ttl`` is the smallest along the aliases (seconds), None without records; ``authoritative`` is the AA flag of the first
    reply, which is the one about the name itself; ``transport`` and ``message`` are those of the last.
    """

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    server: Server
    transport: Transport
    rcode: str
    authoritative: bool
    aliases: tuple[dns.name.Name, ...]
    records: tuple[dns.rdata.Rdata, ...]
    ttl: int | None
    seconds: float
    message: dns.message.Message


def absolute_name(text: str) -> dns.name.Name:
    """An absolute name; international ones are encoded. ValueError if it is none."""
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as bad:
        raise ValueError(f"{text!r} is no domain name: {bad}") from None


def system_servers(port: int = 53) -> list[Server]:
    """The name servers that this machine uses. NetError of fault "environment" where it has none."""
    try:
        found = dns.resolver.Resolver(RESOLV_CONF).nameservers
    except dns.resolver.NoResolverConfiguration as missing:
        message = f"this machine has no name server ({missing}): say which one to ask with `nameserver`"
        raise NetError(message, phase="dns", kind="environment", fault="environment") from None
    return [Server(str(address), port) for address in found]


def look_up_any(name: dns.name.Name, servers: Iterable[Server], question: Question, phases: Phases | None = None) -> Answer:
    """The answer of the first of the servers that gives one, as the system's resolver would ask them.

    Each but the last has an equal share of the time that is left. The NetError of the last passes through.
    """
    *others, last = servers
    for index, server in enumerate(others):
        share = Deadline(question.deadline.left() / (len(others) + 1 - index)).earlier(question.deadline)
        try:
            return look_up(name, server, replace(question, deadline=share), phases)
        except NetError as failed:
            if failed.kind not in {"timeout", "connect"}:
                raise
    return look_up(name, last, question, phases)


def look_up(name: dns.name.Name, server: Server, question: Question, phases: Phases | None = None) -> Answer:
    """Ask one server about a name; an alias that it does not follow itself is asked about next.

    Any rcode is an answer. NetError: no reply, a malformed reply, or aliases without an end. ``phases`` gets the times of
    the first reply.
    """
    started = perf_counter()
    chain = _Chain(name, server)
    message, transport = first, _ = _ask(name, server, question, phases)
    while chain.extend(message, question.rdtype) and not chain.records and message.rcode() == dns.rcode.NOERROR:
        message, transport = _ask(chain.end, server, question, None)
    return Answer(
        name=name,
        rdtype=question.rdtype,
        server=server,
        transport=transport,
        rcode=dns.rcode.to_text(message.rcode()),
        authoritative=bool(first.flags & dns.flags.AA),
        aliases=tuple(chain.aliases),
        records=tuple(chain.records),
        ttl=min(chain.ttls) if chain.records else None,
        seconds=perf_counter() - started,
        message=message,
    )


class _Chain:
    """A name, the aliases from it on, and the records at their end."""

    def __init__(self, name: dns.name.Name, server: Server) -> None:
        self.end = name
        self.aliases: list[dns.name.Name] = []
        self.records: list[dns.rdata.Rdata] = []
        self.ttls: list[int] = []
        self._server = server

    def extend(self, message: dns.message.Message, rdtype: dns.rdatatype.RdataType) -> bool:
        """Take in one reply; whether it led to another name. NetError if there are too many."""
        known = len(self.aliases)
        while not (rrset := message.get_rrset(message.answer, self.end, dns.rdataclass.IN, rdtype)):
            alias = message.get_rrset(message.answer, self.end, dns.rdataclass.IN, dns.rdatatype.CNAME)
            if not alias:
                return len(self.aliases) > known
            if len(self.aliases) == _MAX_ALIASES:
                what = f"{self._server} answers with more than {_MAX_ALIASES} aliases (CNAME), or a loop"
                raise NetError(what, phase="transfer", kind="protocol")
            self.ttls.append(alias.ttl)
            self.end = alias[0].target
            self.aliases.append(self.end)
        self.ttls.append(rrset.ttl)
        self.records = list(rrset)
        return len(self.aliases) > known


def _ask(name: dns.name.Name, server: Server, question: Question, phases: Phases | None) -> tuple[dns.message.Message, Transport]:
    flags = (dns.flags.RD if question.recurse else 0) | (dns.flags.CD if question.dnssec else 0)
    query = dns.message.make_query(name, question.rdtype, use_edns=0, want_dnssec=question.dnssec, payload=PAYLOAD, flags=flags)
    phases = {} if phases is None else phases
    if question.transport == "udp":
        message = _over_udp(query, server, question, phases)
        if not message.flags & dns.flags.TC:
            return message, "udp"
    return _over_tcp(query, server, question, phases), "tcp"


def _over_udp(query: dns.message.Message, server: Server, question: Question, phases: Phases) -> dns.message.Message:
    started = perf_counter()
    target = _address(server, question)
    phases["dns"] = perf_counter() - started
    started = perf_counter()
    with mapped("first_byte", str(target), question.deadline), socket.socket(target.family, socket.SOCK_DGRAM) as sock:
        try:
            # a connected socket takes datagrams from this address and port only, and hears when nothing listens there
            sock.connect((target.host, target.port))
            sock.send(query.to_wire())
            message = _receive(sock, query, server, question.deadline)
        except ConnectionRefusedError:
            raise NetError(f"nothing listens at {server} over UDP", phase="connect", kind="connect") from None
    phases["first_byte"] = perf_counter() - started
    return message


def _address(server: Server, question: Question) -> Address:
    return resolve(question.address or server.host, server.port, question.deadline, question.family)[0]


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
        if len(wire) >= _HEADER and wire[:2] == wire_id and query.is_response(message := _parsed(wire, server)):
            return message
        ignored += 1


def _over_tcp(query: dns.message.Message, server: Server, question: Question, phases: Phases) -> dns.message.Message:
    wire = query.to_wire()
    with connect(
        server.host, server.port, question.deadline, family=question.family, address=question.address, phases=phases
    ) as connection:
        dialogue = Dialogue(connection)
        dialogue.send(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", dialogue.read_exactly(2))
        message = _parsed(dialogue.read_exactly(size), server)
    if not query.is_response(message):
        raise NetError(f"{server} answers a question that was not asked", phase="transfer", kind="protocol")
    return message


def _parsed(wire: bytes, server: Server) -> dns.message.Message:
    try:
        return dns.message.from_wire(wire)
    except _BAD_WIRE as bad:
        why = str(bad) or type(bad).__name__
        raise NetError(f"malformed answer from {server} ({len(wire)} bytes): {why}", phase="transfer", kind="protocol") from None


def in_parallel(jobs: Sequence[Callable[[], Answer]]) -> list[Answer | NetError]:
    """Run look-ups side by side, each bounded by its own Deadline; a NetError stands in the place of its answer."""

    def run(job: Callable[[], Answer]) -> Answer | NetError:
        try:
            return job()
        except NetError as failed:
            return failed

    with ThreadPoolExecutor(max(1, len(jobs)), "monitorpy-dns") as pool:
        return list(pool.map(run, jobs))
