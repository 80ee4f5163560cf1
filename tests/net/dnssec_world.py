"""Signed zones in memory, and a resolver that knows them all: answers with signatures and proofs, as name servers give them.

A test changes the records of a zone after they were signed (``zone.sets``, ``zone.signatures``), or the answers (``world.tamper``).
"""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import dns.zonefile
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.rdtypes.ANY.NSEC3 import NSEC3, Bitmap

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SOA = "@ 300 SOA ns hostmaster 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 192.0.2.53\n"
KSK, ZSK = 257, 256

_MAKERS = {
    "RSASHA1": lambda: rsa.generate_private_key(65537, 1024),
    "RSASHA256": lambda: rsa.generate_private_key(65537, 1024),
    "RSASHA512": lambda: rsa.generate_private_key(65537, 1024),
    "ECDSAP256SHA256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECDSAP384SHA384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ED25519": ed25519.Ed25519PrivateKey.generate,
    "ED448": ed448.Ed448PrivateKey.generate,
}


def name(text):
    return dns.name.from_text(text)


def rdtype(text):
    return dns.rdatatype.from_text(text)


@dataclass(frozen=True)
class Key:
    private: object
    dnskey: dns.rdata.Rdata

    @classmethod
    def make(cls, algorithm="ECDSAP256SHA256", flags=KSK):
        private = _MAKERS[algorithm]()
        return cls(private, dns.dnssec.make_dnskey(private.public_key(), algorithm, flags))

    @property
    def tag(self):
        return dns.dnssec.key_id(self.dnskey)

    def renumbered(self, algorithm):
        """The same bytes under another algorithm's number."""
        return Key(self.private, self.dnskey.replace(algorithm=algorithm))

    def ds(self, zone, digest="SHA256"):
        return dns.dnssec.make_ds(zone, self.dnskey, digest, policy=dns.dnssec.allow_all_policy)

    def sign(self, rrset, signer, begins, ends):
        if self.dnskey.algorithm > 16:
            template = self.sign_as(13, rrset, signer, begins, ends)
            return template.replace(algorithm=self.dnskey.algorithm, key_tag=self.tag)
        return dns.dnssec.sign(
            rrset,
            self.private,
            name(signer),
            self.dnskey,
            int(begins.timestamp()),
            int(ends.timestamp()),
            policy=dns.dnssec.allow_all_policy,
        )

    def sign_as(self, algorithm, *what):
        return self.renumbered(algorithm).sign(*what)


@cache
def key(algorithm="ECDSAP256SHA256", flags=KSK, number=0):
    """Keys are made once: the same number, the same key."""
    return Key.make(algorithm, flags)


class Zone:
    """A zone, unsigned without ``keys``; ``nsec3`` is {iterations, salt, opt_out} in place of NSEC."""

    def __init__(self, origin, text="", *, keys=(), nsec3=None, begins=NOW - DAY, ends=NOW + 10 * DAY):
        self.origin = name(origin)
        self.keys = list(keys)
        self.nsec3 = nsec3
        self.begins, self.ends = begins, ends
        self.sets = {}
        self.signatures = {}
        for rrset in dns.zonefile.read_rrsets(SOA + text, origin=self.origin, rdclass=None, default_ttl=300):
            self.sets[rrset.name, rrset.rdtype] = rrset
        self.sign()

    def copy(self):
        """One that may be changed on its own: sets of records are replaced, not changed."""
        new = copy.copy(self)
        new.keys, new.sets, new.signatures = list(self.keys), dict(self.sets), dict(self.signatures)
        return new

    def add(self, owner, kind, *values):
        rrset = dns.rrset.from_text(name(owner), 300, "IN", kind, *values)
        self.sets[rrset.name, rrset.rdtype] = rrset
        return rrset

    def delegate(self, child, digest="SHA256", keys=None):
        """To another zone, with DS records of its key-signing keys if it is signed."""
        self.add(child.origin.to_text(), "NS", "ns." + child.origin.to_text())
        found = keys or [each for each in child.keys if each.dnskey.flags & 1] or child.keys
        if found:
            self.add(child.origin.to_text(), "DS", *(each.ds(child.origin, digest).to_text() for each in found))
        return self.sign()

    def sign(self):
        """Everything anew, with its denials."""
        self.sets = {
            known: rrset for known, rrset in self.sets.items() if known[1] not in {rdtype("NSEC"), rdtype("NSEC3"), rdtype("DNSKEY")}
        }
        self.signatures = {}
        if self.keys:
            self.add(self.origin.to_text(), "DNSKEY", *(each.dnskey.to_text() for each in self.keys))
            self._deny()
            for rrset in self.sets.values():
                self.sign_set(rrset)
        return self

    def sign_set(self, rrset, *, keys=None, signer=None, begins=None, ends=None):
        if self.is_delegated(rrset.name) and rrset.rdtype not in {rdtype("DS"), rdtype("NSEC"), rdtype("NSEC3")}:
            return
        keys = keys or self._keys_for(rrset.rdtype)
        made = [each.sign(rrset, signer or self.origin.to_text(), begins or self.begins, ends or self.ends) for each in keys]
        self.signatures[rrset.name, rrset.rdtype] = made

    def resign(self, owner, kind, **how):
        self.sign_set(self.sets[name(owner), rdtype(kind)], **how)

    def _keys_for(self, kind):
        secure = [each for each in self.keys if each.dnskey.flags & 1]
        others = [each for each in self.keys if not each.dnskey.flags & 1]
        return (secure or others) if kind == rdtype("DNSKEY") else (others or secure)

    def is_delegated(self, owner):
        return any(kind == rdtype("NS") and cut != self.origin and owner.is_subdomain(cut) for cut, kind in self.sets)

    def names(self):
        """All that exist here with authority, delegations included; empty non-terminals are not among them."""
        cuts = {owner for owner, kind in self.sets if kind == rdtype("NS") and owner != self.origin}
        return {owner for owner, kind in self.sets if not any(owner.is_subdomain(cut) and owner != cut for cut in cuts)}

    def types(self, owner):
        return {kind for each, kind in self.sets if each == owner}

    def _deny(self):
        (self._deny_by_hash if self.nsec3 is not None else self._deny_by_name)()

    def _deny_by_name(self):
        owners = sorted(self.names())
        for owner, following in zip(owners, [*owners[1:], self.origin], strict=True):
            types = self.types(owner) & ({rdtype("NS"), rdtype("DS")} if self.is_delegated(owner) else self.types(owner))
            shown = " ".join(map(dns.rdatatype.to_text, sorted(types | {rdtype("NSEC"), rdtype("RRSIG")})))
            self.add(owner.to_text(), "NSEC", f"{following} {shown}")

    def _deny_by_hash(self):
        owners = self.names()
        if self.nsec3.get("opt_out"):
            owners = {owner for owner in owners if not self.is_delegated(owner) or rdtype("DS") in self.types(owner)}
        for owner in list(owners):
            while (owner := owner.parent() if owner != self.origin else owner) not in owners:
                owners.add(owner)
        hashed = sorted((self.hash(owner), owner) for owner in owners)
        for index, (digest, owner) in enumerate(hashed):
            types = set(self.types(owner))
            types &= {rdtype("NS"), rdtype("DS")} if self.is_delegated(owner) else types
            types |= {rdtype("RRSIG")} if types - {rdtype("NS")} else set()
            following = hashed[(index + 1) % len(hashed)][0]
            self.add_nsec3(digest, following, types)

    def add_nsec3(self, digest, following, types, **changes):
        salt, rounds = bytes.fromhex(self.nsec3.get("salt", "")), self.nsec3.get("iterations", 0)
        flags = int(bool(self.nsec3.get("opt_out")))
        record = NSEC3(1, rdtype("NSEC3"), 1, flags, rounds, salt, base64.b32hexdecode(following), Bitmap.from_rdtypes(sorted(types)))
        owner = dns.name.Name([digest.lower().encode(), *self.origin.labels])
        self.sets[owner, rdtype("NSEC3")] = dns.rrset.from_rdata(owner, 60, record.replace(**changes))

    def hash(self, owner):
        return dns.dnssec.nsec3_hash(owner, self.nsec3.get("salt", ""), self.nsec3.get("iterations", 0), "SHA1")

    def anchor(self, *, as_ds=False, number=0):
        """The zone's trust anchor as a text."""
        found = self._keys_for(rdtype("DNSKEY"))[number]
        return f"{self.origin} IN " + (f"DS {found.ds(self.origin)}" if as_ds else f"DNSKEY {found.dnskey}")


class Reply:
    """One answer in the making."""

    def __init__(self, world, message):
        self.world, self.message = world, message

    def put(self, section, zone, owner, kind, shown_as=None):
        self._once(section, zone.sets.get((owner, kind)), shown_as)
        signatures = zone.signatures.get((owner, kind))
        if signatures:
            rrset = dns.rrset.from_rdata(owner, 300, *signatures)
            rrset.covers = kind
            self._once(section, rrset, shown_as)

    @staticmethod
    def _once(section, rrset, shown_as):
        if rrset is not None:
            rrset = rrset.copy()
            rrset.name = shown_as or rrset.name
            if not any(rrset.match(each.name, each.rdclass, each.rdtype, each.covers) for each in section):
                section.append(rrset)

    def resolve(self, owner, kind, depth=0):
        zone = self.world.zone_for(owner, kind)
        if zone is None:
            self.message.set_rcode(dns.rcode.REFUSED)
            return
        target = self._answer(zone, owner, kind)
        if target is not None and depth < 10:
            self.resolve(target, kind, depth + 1)

    def _answer(self, zone, owner, kind):
        """Fills the message in; the target of an alias."""
        answer, authority = self.message.answer, self.message.authority
        for above in _ancestors(owner, zone.origin):
            if above != owner and (above, rdtype("DNAME")) in zone.sets:
                self.put(answer, zone, above, rdtype("DNAME"))
                target = owner.relativize(above).derelativize(zone.sets[above, rdtype("DNAME")][0].target)
                answer.append(dns.rrset.from_text(owner, 300, "IN", "CNAME", target.to_text()))
                return target
        source, expanded = owner, False
        if not zone.types(owner) and not any(each.is_subdomain(owner) for each in zone.names()):
            encloser = next(each for each in _ancestors(owner, zone.origin) if any(one.is_subdomain(each) for one in zone.names()))
            source, expanded = dns.name.Name([b"*", *encloser.labels]), True
        for found in (kind, rdtype("CNAME")):
            if (source, found) in zone.sets:
                self.put(answer, zone, source, found, owner)
                if expanded:
                    self.put_covering(zone, authority, owner, encloser)
                return zone.sets[source, found][0].target if found != kind else None
        self.put(authority, zone, zone.origin, rdtype("SOA"))
        if expanded:
            self._absent(zone, authority, owner, encloser, source)
        elif zone.keys:
            self._put_matching(zone, authority, owner)
        return None

    def _absent(self, zone, authority, owner, encloser, wildcard):
        exists = bool(zone.types(wildcard))
        if not exists:
            self.message.set_rcode(dns.rcode.NXDOMAIN)
        if zone.keys:
            self.put_covering(zone, authority, owner, encloser)
            if zone.nsec3 is not None:
                self._put_matching(zone, authority, encloser)
            (self._put_matching if exists else self._put_at)(zone, authority, wildcard)

    def _put_matching(self, zone, authority, owner):
        if zone.nsec3 is None:
            kind = rdtype("NSEC")
            self.put(authority, zone, owner, kind) if (owner, kind) in zone.sets else self._put_at(zone, authority, owner)
            return
        digest = zone.hash(owner)
        exact = dns.name.Name([digest.lower().encode(), *zone.origin.labels])
        if (exact, rdtype("NSEC3")) in zone.sets:
            self.put(authority, zone, exact, rdtype("NSEC3"))
        else:  # opt-out: RFC 5155, 7.2.4
            encloser = next(each for each in _ancestors(owner.parent(), zone.origin) if any(one.is_subdomain(each) for one in zone.names()))
            self._put_matching(zone, authority, encloser)
            self.put_covering(zone, authority, owner, encloser)

    def put_covering(self, zone, authority, owner, encloser):
        if zone.keys:
            self._put_at(zone, authority, owner if zone.nsec3 is None else owner.split(len(encloser) + 1)[1])

    def _put_at(self, zone, authority, owner):
        """The record whose gap the name falls into."""
        kind = rdtype("NSEC" if zone.nsec3 is None else "NSEC3")
        owners = sorted(each for each, found in zone.sets if found == kind)
        wanted = owner if zone.nsec3 is None else dns.name.Name([zone.hash(owner).lower().encode(), *zone.origin.labels])
        before = [each for each in owners if each < wanted]
        self.put(authority, zone, before[-1] if before else owners[-1], kind)


class World:
    """All zones, asked as one resolver: ``tamper`` are functions that change each answer, ``asked`` has the questions."""

    def __init__(self, *zones):
        self.zones = list(zones)
        self.tamper = []
        self.asked = []

    def zone_for(self, owner, kind):
        holder = owner.parent() if kind == rdtype("DS") and owner != dns.name.root else owner
        found = [zone for zone in self.zones if holder.is_subdomain(zone.origin)]
        return max(found, key=lambda zone: len(zone.origin), default=None)

    def respond(self, query):
        message = dns.message.make_response(query)
        message.flags |= dns.flags.RA
        question = query.question[0]
        self.asked.append((question.name.to_text(), dns.rdatatype.to_text(question.rdtype)))
        Reply(self, message).resolve(question.name, question.rdtype)
        for change in self.tamper:
            change(message)
        return message

    def ask(self, owner, kind):
        """As it comes over the wire."""
        return dns.message.from_wire(self.respond(dns.message.make_query(owner, kind, want_dnssec=True)).to_wire(max_size=65535))

    def react(self, query, transport):
        """For a server of servers_dns.py."""
        message = self.respond(query)
        wire = message.to_wire(max_size=65535)
        if transport == "udp" and len(wire) > 1232:
            message.answer.clear()
            message.authority.clear()
            message.flags |= dns.flags.TC
            wire = message.to_wire(max_size=65535)
        return wire


def _ancestors(owner, top):
    """The name, its parent, and so on to the top."""
    while owner != top:
        yield owner
        owner = owner.parent()
    yield top


def without(*kinds, at=None):
    """A change that takes records of these types away (RRSIG:A for signatures), everywhere or at one name."""
    wanted = [kind.split(":") for kind in kinds]

    def change(message):
        for section in (message.answer, message.authority):
            for rrset in list(section):
                kind = [dns.rdatatype.to_text(rrset.rdtype), dns.rdatatype.to_text(rrset.covers)]
                if any(kind[: len(each)] == each for each in wanted) and at in {None, rrset.name.to_text()}:
                    section.remove(rrset)

    return change


def with_bad_bytes(signature):
    """The same signature with one bit of its bytes changed."""
    data = bytearray(signature.signature)
    data[-1] ^= 1
    return signature.replace(signature=bytes(data))
