"""Whether an answer of DNS can be trusted, found out here and not taken from a resolver (DNSSEC, RFC 4033 to 4035).

Importing this module imports dnspython and cryptography.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Literal

import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from monitorpy.net.dnsquery import Answer
from monitorpy.net.dnssec_anchors import Anchors, holder_of
from monitorpy.net.dnssec_chain import Ask, Chain
from monitorpy.net.dnssec_denial import Denial, Proof, no_closer_name, no_name, no_type, wildcard_below
from monitorpy.net.dnssec_signatures import Bogus, Insecure, NotSecure, Signed, Zone
from monitorpy.net.dnsvalues import shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """``insecure``: nobody signs these data, and that is proven; ``bogus``: they should be signed, and are not, or wrongly."""

    status: Literal["secure", "insecure", "bogus"]
    reason: str


def validate(answer: Answer, anchors: Anchors, ask: Ask, now: datetime | None = None) -> Verdict:
    """The verdict on an answer: on its records, each alias on the way to them, or the proof that there are none.

    ``anchors`` are as `parse_anchors` gives them; ``ask`` gets what else is needed, and should ask the server that gave the
    answer; ``now`` is aware. The answer's outcome is one of `dnsquery.SIGNABLE`. Of several findings the worst is the verdict.
    """
    chain = Chain(anchors, ask, str(answer.server), now or datetime.now(UTC))
    unsigned: list[Insecure] = []
    zones: dict[str, None] = {}
    for judge in _parts(chain, answer):
        try:
            zones[shown(judge().name)] = None
        except Insecure as why:
            unsigned.append(why)
        except NotSecure as why:
            return Verdict("bogus", str(why))
    if unsigned:
        return Verdict("insecure", str(unsigned[0]))
    anchor = shown(chain.anchor_above(holder_of(answer.name, answer.rdtype)))
    return Verdict("secure", f"signed by {' and '.join(zones)}; trusted from the anchor of {anchor} down")


def _parts(chain: Chain, answer: Answer) -> Iterator[Callable[[], Zone]]:
    """What must be judged, as functions that tell the zone which vouches for it."""
    names = (answer.name, *answer.aliases)
    for name, target in pairwise(names):
        yield partial(_alias, chain, *_followed(answer, name, target))
    if answer.outcome == "NOERROR":
        records = answer.message.find_rrset(answer.message.answer, names[-1], dns.rdataclass.IN, answer.rdtype)
        yield partial(_records, chain, answer.message, records)
    else:
        yield partial(_nothing, chain, answer, names[-1])


def _followed(answer: Answer, name: dns.name.Name, target: dns.name.Name) -> tuple[dns.message.Message, dns.rrset.RRset]:
    """The alias that was followed: another reply may have one of the same name that leads elsewhere, and must not stand in for it."""
    messages = (*answer.earlier, answer.message)
    found = ((message, message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)) for message in messages)
    return next((message, rrset) for message, rrset in found if rrset and rrset[0].target == target)


def _alias(chain: Chain, message: dns.message.Message, cname: dns.rrset.RRset) -> Zone:
    """A CNAME; one that a server makes from a DNAME is not signed, so that this is judged in its stead (RFC 6672, 5.3.1)."""
    if not Signed.of(message, message.answer, cname).signatures:
        for rrset in message.answer:
            if rrset.rdtype == dns.rdatatype.DNAME and _redirects(rrset, cname):
                return _records(chain, message, rrset)
    return _records(chain, message, cname)


def _redirects(dname: dns.rrset.RRset, cname: dns.rrset.RRset) -> bool:
    """Whether the DNAME, which is of names below its own, makes this CNAME (RFC 6672, 2.2)."""
    if cname.name == dname.name or not cname.name.is_subdomain(dname.name):
        return False
    try:
        made = cname.name.relativize(dname.name).derelativize(dname[0].target)
    except dns.exception.DNSException:  # too long
        return False
    return bool(made == cname[0].target)


def _records(chain: Chain, message: dns.message.Message, rrset: dns.rrset.RRset) -> Zone:
    signed = Signed.of(message, message.answer, rrset)
    zone, signature = chain.judge(signed)
    if signed.expanded(signature):
        denial = chain.proofs(message, zone)
        proof = no_closer_name(denial, rrset.name, signature.labels) if denial else None
        wildcard = shown(wildcard_below(rrset.name.split(signature.labels + 1)[1]))
        if proof is None:
            raise Bogus(f"{signed.title} is made from {wildcard}, but the proof that there is no {shown(rrset.name)} itself is missing")
        _certain(proof, f"there is no {shown(rrset.name)} besides {wildcard}", zone)
    return zone


def _nothing(chain: Chain, answer: Answer, name: dns.name.Name) -> Zone:
    """The zone that proves that there is no such name, or that it has no such records."""
    rdtype, absent = answer.rdtype, answer.outcome == "NXDOMAIN"
    what = f"{shown(name)} does not exist" if absent else f"{shown(name)} has no {dns.rdatatype.to_text(rdtype)} records"

    def conclude(zone: Zone, denial: Denial | None) -> Zone:
        if denial is None:
            raise Bogus(f"the proof that {what} is missing, though {shown(zone.name)} is signed")
        proof = no_name(denial, name) if absent else no_type(denial, name, rdtype)
        if proof is None:
            raise Bogus(f"the proof of {shown(zone.name)} does not show that {what}: it is about something else, or incomplete")
        _certain(proof, what, zone)
        return zone

    return chain.denial(answer.message, holder_of(name, rdtype), conclude)


def _certain(proof: Proof, what: str, zone: Zone) -> None:
    if proof == "opt-out":
        raise Insecure(f"that {what} cannot be proven: {shown(zone.name)} leaves unsigned delegations out of its proofs (opt-out)")
