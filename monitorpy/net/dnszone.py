"""The zone that holds a name, the servers that have authority for it, and the serials of their copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import TypeAlias

import dns.name
import dns.rdatatype

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import Answer, Question, Server, in_parallel, look_up
from monitorpy.net.dnsvalues import shown
from monitorpy.net.resolve import Family, resolve

Ask: TypeAlias = Callable[[dns.name.Name, dns.rdatatype.RdataType], Answer]
"""Asks one server about a name and a type, as `dnsquery.look_up` does."""

_TYPES: dict[Family, tuple[dns.rdatatype.RdataType, ...]] = {
    "any": (dns.rdatatype.A, dns.rdatatype.AAAA),
    "ipv4": (dns.rdatatype.A,),
    "ipv6": (dns.rdatatype.AAAA,),
}
_NOT_MINE = {"REFUSED", "REFERRAL"}
_SETTLED = {"NOERROR", "NODATA", "NXDOMAIN"}
_SERIALS = 2**32
_HALF = 2**31


@dataclass(frozen=True, slots=True)
class Authority:
    """A name server of a zone: one of its addresses; or None, and why there is none (a lame delegation)."""

    name: str
    address: str | None
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.address or 'no address'})"


def find_zone(name: dns.name.Name, ask: Ask) -> dns.name.Name:
    """The apex of the zone that holds the name: the owner of the SOA record there, or nearest above. NetError if there is none."""
    here = name
    while True:
        answer = ask(here, dns.rdatatype.SOA)
        # an alias brings the SOA of the zone where it ends: only what stands at or above the name counts
        sections = (*answer.message.answer, *answer.message.authority)
        found = {rrset.name for rrset in sections if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name)}
        if found:
            return max(found, key=len)
        if here == dns.name.root:
            raise NetError(f"{answer.server} knows no zone that holds {shown(name)}", phase="dns", kind="resolve")
        here = here.parent()


def authorities(zone: dns.name.Name, ask: Ask, deadline: Deadline, family: Family = "any") -> list[Authority]:
    """Every address of every name server (NS) of the zone, and the servers without one. NetError if the zone has none."""
    answer = ask(zone, dns.rdatatype.NS)
    names = sorted(record.target for record in answer.records)  # type: ignore[attr-defined]
    if not names:
        raise NetError(f"{answer.server} knows no name servers of {shown(zone)} ({answer.outcome})", phase="dns", kind="resolve")
    located = in_parallel([partial(_addresses, name, ask, deadline, family) for name in names])
    found: list[Authority] = []
    for name, places in zip(map(shown, names), located, strict=True):
        found += [Authority(name, None, str(places))] if isinstance(places, NetError) else [Authority(name, place) for place in places]
    return found


def _addresses(name: dns.name.Name, ask: Ask, deadline: Deadline, family: Family) -> list[str]:
    answers = [ask(name, rdtype) for rdtype in _TYPES[family]]
    outcomes = {answer.outcome: answer for answer in answers}
    if not outcomes.keys().isdisjoint(_NOT_MINE):  # a server that only answers for zones of its own
        return [address.host for address in resolve(shown(name), 0, deadline, family)]
    if unknown := outcomes.keys() - _SETTLED:
        outcome = min(unknown)
        raise NetError(f"{outcomes[outcome].server} answers {outcome} for its address", phase="dns", kind="resolve")
    addresses = [record.address for answer in answers for record in sorted(answer.records)]  # type: ignore[attr-defined]
    if not addresses:
        types = " or ".join(map(dns.rdatatype.to_text, _TYPES[family]))
        raise NetError(f"its name has no {types} record ({', '.join(sorted(outcomes))})", phase="dns", kind="resolve")
    return addresses


def soa_serial(zone: dns.name.Name, server: Server, question: Question) -> int:
    """The serial of a server's copy of the zone, asked for without recursion. NetError unless it answers with authority."""
    answer = look_up(zone, server, replace(question, rdtype=dns.rdatatype.SOA, recurse=False))
    if answer.outcome != "NOERROR" or not answer.authoritative:
        said = "without authority (AA)" if answer.outcome == "NOERROR" else answer.outcome
        raise NetError(f"it does not serve {shown(zone)}: it answers {said}", phase="transfer", kind="protocol")
    return answer.records[0].serial  # type: ignore[attr-defined, no-any-return]


def newest(serials: Iterable[int]) -> int:
    """The one that the others are behind, in the arithmetic of RFC 1982: 0 comes after 4294967295."""
    return reduce(lambda one, other: other if 0 < behind(one, other) < _HALF else one, serials)


def behind(serial: int, newest: int) -> int:
    """How many steps the serial is behind."""
    return (newest - serial) % _SERIALS
