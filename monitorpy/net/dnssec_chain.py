"""The chain of trust, from an anchor down to the zone of a name, and what that zone vouches for (RFC 4035, 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

from monitorpy.errors import NetError
from monitorpy.net.dnssec_anchors import Anchor, Anchors, holder_of, named, supported, unsupported, vouched_for
from monitorpy.net.dnssec_denial import Denial, Nsec3Denial, NsecDenial, delegation
from monitorpy.net.dnssec_signatures import Bogus, Insecure, NotSecure, Signed, Work, Zone, is_zone_key, verify
from monitorpy.net.dnsvalues import shown

T = TypeVar("T")

Ask: TypeAlias = Callable[[dns.name.Name, dns.rdatatype.RdataType], dns.message.Message]
"""Asks for records and their signatures (DO), judged by nobody (CD). Raises NetError."""

_QUESTIONS = 64
_NSEC = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
_ANSWERS = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


class Chain:
    """What one validation finds out. The methods raise Insecure or Bogus; ``source`` is who answers, for messages."""

    def __init__(self, anchors: Anchors, ask: Ask, source: str, now: datetime) -> None:
        self._anchors = anchors
        self._ask = ask
        self._source = source
        self._now = now
        self._work = Work()
        self._questions = _QUESTIONS
        self._found: dict[dns.name.Name, Zone | NotSecure | None] = {}

    def judge(self, signed: Signed) -> tuple[Zone, RRSIG]:
        """The zone that vouches for a set of records, and the signature that holds."""
        holder = holder_of(signed.rrset.name, signed.rrset.rdtype)
        return self._by_signer(holder, signed.signatures, lambda zone: (zone, self._verified(signed, zone)))

    def denial(self, message: dns.message.Message, holder: dns.name.Name, conclude: Callable[[Zone, Denial | None], T]) -> T:
        """What to conclude from the zone that holds a name, and from what it proves in a message."""
        start, proofs = _authority(message, {dns.rdatatype.SOA}), _authority(message, _NSEC)

        def judge(zone: Zone) -> T:
            self._vouched(start, zone)  # it tells how long the answer may be kept; validators want it to be signed, too
            return conclude(zone, self.proofs(message, zone))

        return self._by_signer(holder, [signature for signed in start + proofs for signature in signed.signatures], judge)

    def proofs(self, message: dns.message.Message, zone: Zone) -> Denial | None:
        """What a zone proves in a message about what does not exist: nothing, or something that is signed as it should be."""
        found = self._vouched(_authority(message, _NSEC), zone)
        if nsec := [rrset for rrset in found if rrset.rdtype == dns.rdatatype.NSEC]:
            return NsecDenial(nsec)
        return Nsec3Denial(zone.name, found) if found else None

    def anchor_above(self, name: dns.name.Name) -> dns.name.Name:
        """The nearest zone at or above the name that has a trust anchor."""
        found = [zone for zone in self._anchors if name.is_subdomain(zone)]
        if not found:
            raise Insecure(f"no trust anchor is at or above {shown(name)}")
        return max(found, key=len)

    def _by_signer(self, holder: dns.name.Name, signatures: Iterable[RRSIG], judge: Callable[[Zone], T]) -> T:
        """Judged by the zone that the signatures name, where that may be the name's: it saves the way down to the name itself.

        Where this fails, the way is gone to the end: there may be a delegation that needs no signatures at all.
        """
        top = self.anchor_above(holder)
        signers = {signature.signer for signature in signatures}
        nearest = max((signer for signer in signers if holder.is_subdomain(signer) and signer.is_subdomain(top)), key=len, default=holder)
        try:
            return judge(self._zone_of(nearest))
        except Bogus:
            with suppress(Bogus):
                self._zone_of(holder)
            raise

    def _vouched(self, records: Iterable[Signed], zone: Zone) -> list[dns.rrset.RRset]:
        """Those that the zone must answer for, each of which must be signed as it should be."""
        own = [signed for signed in records if _is_of(zone, signed)]
        for signed in own:
            self._verified(signed, zone)
        return [signed.rrset for signed in own]

    def _verified(self, signed: Signed, zone: Zone) -> RRSIG:
        return verify(signed, zone, self._now, self._work)

    def _zone_of(self, name: dns.name.Name) -> Zone:
        """The zone that holds the name. Insecure: one on the way down to it is proven to be unsigned."""
        top = self.anchor_above(name)
        zone = self._once(top, lambda: self._zone(top, self._anchors[top], "the trust anchor"))
        assert zone is not None
        for size in range(len(top) + 1, len(name) + 1):
            child = name.split(size)[1]
            below = self._once(child, partial(self._below, zone, child))
            if below is zone:
                break
            zone = below or zone
        return zone

    def _once(self, name: dns.name.Name, find: Callable[[], Zone | None]) -> Zone | None:
        """What was found at the name, or is now."""
        if name not in self._found:
            try:
                self._found[name] = find()
            except NotSecure as why:
                self._found[name] = why
        found = self._found[name]
        if isinstance(found, NotSecure):
            raise found
        return found

    def _below(self, zone: Zone, child: dns.name.Name) -> Zone | None:
        """The zone that begins at a name below another one; None if none does, ``zone`` if none can do so further down either."""
        message = self._asked(child, dns.rdatatype.DS)
        if signed := _found(message, child, dns.rdatatype.DS):
            self._verified(signed, zone)
            return self._zone(child, tuple(signed.rrset), f"its DS in {shown(zone.name)}")
        if _found(message, child, dns.rdatatype.CNAME):  # an alias is no zone; were that a lie, we would only expect too much of the data
            return None
        denial = self.proofs(message, zone)
        proven = delegation(denial, child) if denial else None
        above, here = shown(zone.name), shown(child)
        if proven == "unsigned":
            raise Insecure(f"{here} is not signed: {above} proves that there is no DS")
        if proven == "opt-out":
            raise Insecure(f"{here} is not signed as far as one can tell: {above} leaves unsigned delegations out of its proofs (opt-out)")
        if proven is None:
            raise Bogus(f"{above} is signed, but neither has a DS of {here} nor proves that there is none")
        return zone if proven == "no name" else None

    def _zone(self, name: dns.name.Name, anchors: tuple[Anchor, ...], whose: str) -> Zone:
        """The zone, if its keys are signed by one that the anchors vouch for."""
        if not any(map(supported, anchors)):
            raise Insecure(f"{shown(name)} counts as unsigned: {whose} has {unsupported(anchors)}, which is not supported")
        signed = _found(self._asked(name, dns.rdatatype.DNSKEY), name, dns.rdatatype.DNSKEY)
        if not signed:
            raise Bogus(f"{shown(name)} has no DNSKEY records, though {whose} names {named(anchors)}")
        keys = vouched_for(name, signed.rrset, anchors, self._work)
        if not keys:
            raise Bogus(f"no DNSKEY of {shown(name)} matches {whose} ({named(anchors)}); it has {named(signed.rrset)}")
        self._verified(signed, Zone(name, keys))
        return Zone(name, tuple(filter(is_zone_key, signed.rrset)))

    def _asked(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
        """The answer to a question of ours. Bogus if there is none: what cannot be had cannot be vouched for."""
        what = f"the {dns.rdatatype.to_text(rdtype)} records of {shown(name)} could not be had"
        if self._questions == 0:
            raise Bogus(f"{what}: {_QUESTIONS} questions have been asked already; given up")
        self._questions -= 1
        try:
            message = self._ask(name, rdtype)
        except NetError as error:
            raise Bogus(f"{what}: {error}") from None
        if message.rcode() not in _ANSWERS:
            raise Bogus(f"{what}: {dns.rcode.to_text(message.rcode())} from {self._source}")
        return message


def _found(message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Signed | None:
    rrset = message.get_rrset(message.answer, name, dns.rdataclass.IN, rdtype)
    return Signed.of(message, message.answer, rrset) if rrset else None


def _authority(message: dns.message.Message, types: set[dns.rdatatype.RdataType]) -> list[Signed]:
    """What a message has to say beside the answer itself."""
    return [Signed.of(message, message.authority, rrset) for rrset in message.authority if rrset.rdtype in types]


def _is_of(zone: Zone, signed: Signed) -> bool:
    """Whether the zone must answer for the records: they bear its signature, or lie in it and bear none."""
    return signed.by(zone.name) if signed.signatures else signed.rrset.name.is_subdomain(zone.name)
