"""One DNS question to one server, bounded by a Deadline. Importing this module imports dnspython."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeVar

import dns.edns
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
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnstransport import Phases, Question, Server, Transport, exchange
from monitorpy.utils.masking import excerpt

__all__ = ["Answer", "Question", "Server", "Transport", "absolute_name", "ask", "in_parallel", "look_up", "look_up_any", "system_servers"]

T = TypeVar("T")

RESOLV_CONF = "/etc/resolv.conf"
PAYLOAD = 1232
"""Bytes of UDP answer that we announce to take: what passes every path unfragmented (DNS flag day 2020)."""

SIGNABLE = frozenset({"NOERROR", "NODATA", "NXDOMAIN"})
"""Outcomes that DNSSEC can vouch for; no other answer is signed."""

_MAX_ALIASES = 16
_AT_ONCE = 100
"""Threads; how many name servers there are to ask may be a peer's word."""
_OF_OLD_SERVERS = {dns.rcode.FORMERR, dns.rcode.NOTIMP}
"""What servers say that know no EDNS; they are asked once more without it (RFC 6891, 7)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says about a name, aliases followed.

    ``records`` are empty with rcode NOERROR when the name exists without records of that type: see ``outcome``.
    ``ttl`` is the smallest along the aliases (seconds), None without records; ``authoritative`` is the AA flag of the first
    reply, which is the one about the name itself; ``transport`` and ``message`` are those of the last, ``earlier`` has those before.
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
    earlier: tuple[dns.message.Message, ...] = ()

    @property
    def outcome(self) -> str:
        """The rcode, but NODATA for a name without such records, and REFERRAL where the server only names others (RFC 2308, 2.2)."""
        if self.rcode != "NOERROR" or self.records:
            return self.rcode
        told = {rrset.rdtype for rrset in self.message.authority}
        if dns.rdatatype.NS in told and dns.rdatatype.SOA not in told and not self.message.flags & dns.flags.AA:
            return "REFERRAL"
        return "NODATA"

    @property
    def reason(self) -> str:
        """Why it is no better, as the server says (extended DNS errors, RFC 8914); empty if it says nothing."""
        told = [option.to_text() for option in self.message.options if isinstance(option, dns.edns.EDEOption)]
        return excerpt(", ".join(told), 200)


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
    """Ask one server about a name; an alias that it does not follow itself is asked about next, if the question is recursive.

    Any rcode is an answer. NetError: no reply, a malformed reply, or aliases without an end. ``phases`` gets the times of
    the first reply.
    """
    started = perf_counter()
    chain = _Chain(name, server)
    message, transport = first, _ = ask(name, server, question, phases)
    earlier: list[dns.message.Message] = []
    while chain.extend(message, question.rdtype) and question.recurse and not chain.records and message.rcode() == dns.rcode.NOERROR:
        earlier.append(message)
        message, transport = ask(chain.end, server, question)
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
        earlier=tuple(earlier),
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


def ask(name: dns.name.Name, server: Server, question: Question, phases: Phases | None = None) -> tuple[dns.message.Message, Transport]:
    """One reply to one question, as it came, and how it came. Raises NetError."""
    message, transport = exchange(_query(name, question), server, question, {} if phases is None else phases)
    if message.rcode() in _OF_OLD_SERVERS and message.edns < 0 and not question.dnssec:
        return exchange(_query(name, question, edns=-1), server, question, {})
    return message, transport


def _query(name: dns.name.Name, question: Question, edns: int = 0) -> dns.message.Message:
    flags = (dns.flags.RD if question.recurse else 0) | (dns.flags.CD if question.dnssec else 0)
    number = 0 if question.transport == "https" else None  # so that HTTP caches may know it again: RFC 8484, 4.1
    return dns.message.make_query(
        name, question.rdtype, use_edns=edns, want_dnssec=question.dnssec, payload=PAYLOAD, flags=flags, id=number
    )


def in_parallel(jobs: Sequence[Callable[[], T]]) -> list[T | NetError]:
    """Run look-ups side by side, each bounded by its own Deadline; a NetError stands in the place of what it would have brought."""

    def run(job: Callable[[], T]) -> T | NetError:
        try:
            return job()
        except NetError as failed:
            return failed

    with ThreadPoolExecutor(max(1, min(len(jobs), _AT_ONCE)), "monitorpy-dns") as pool:
        return list(pool.map(run, jobs))
