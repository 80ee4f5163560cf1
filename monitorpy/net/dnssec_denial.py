"""What a signed zone proves about names and types that do not exist: by NSEC (RFC 4035, 5.4) or NSEC3 (RFC 5155, 8)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.NSEC3
import dns.rrset

from monitorpy.net.dnssec_signatures import Insecure
from monitorpy.net.dnsvalues import shown

Types: TypeAlias = frozenset[int]
"""The types of records that a name has."""

MAX_ITERATIONS = 100
"""Of NSEC3's hash; with more, a zone is as good as unsigned (RFC 9276, 3.2 and appendix A; CVE-2023-50868)."""

_SHA1 = 1
_SHA1_BYTES = 20
_OPT_OUT = 1


class Covered(NamedTuple):
    """A name that does not exist; with opt-out, it may still be a delegation without DS (RFC 5155, 6)."""

    opt_out: bool


class Encloser(NamedTuple):
    """The nearest existing ancestor of a name that does not exist."""

    name: dns.name.Name
    opt_out: bool


class Denial(Protocol):
    """What the records of one zone tell; they are the zone's, and their signatures hold."""

    def types_at(self, name: dns.name.Name) -> Types | None:
        """The types of records there (none for a name that only has names below it); None if the records do not tell."""
        ...

    def covers(self, name: dns.name.Name) -> Covered | None:
        """Whether they prove that neither the name nor one below it exists; with NSEC3, if its parent is known to exist."""
        ...

    def encloser(self, name: dns.name.Name) -> Encloser | None:
        """The closest encloser, if they prove that name and encloser (RFC 5155, 8.3)."""
        ...


Proof: TypeAlias = Literal["proven", "opt-out"]
"""``opt-out``: but for a delegation without DS, which proves nothing that could be called secure (RFC 5155, 9.2)."""


def no_name(denial: Denial, name: dns.name.Name) -> Proof | None:
    """The name does not exist, and no wildcard stands for it (NXDOMAIN)."""
    found = denial.encloser(name)
    if found is None or denial.covers(wildcard_below(found.name)) is None:
        return None
    return "opt-out" if found.opt_out else "proven"


def no_type(denial: Denial, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Proof | None:
    """The name, or the wildcard that stands for it, has no records of that type (NODATA)."""
    types = denial.types_at(name)
    if types is not None:
        return "proven" if _lacks(types, name, rdtype) else None
    found = denial.encloser(name)
    if found is None:
        return None
    if found.opt_out and rdtype == dns.rdatatype.DS:
        return "opt-out"
    wildcard = wildcard_below(found.name)
    types = denial.types_at(wildcard)
    if types is None or not _lacks(types, wildcard, rdtype):
        return None
    return "opt-out" if found.opt_out else "proven"


def no_closer_name(denial: Denial, name: dns.name.Name, labels: int) -> Proof | None:
    """A wildcard of that many labels (without asterisk and root) stands for the name: there is no match that is closer."""
    covered = denial.covers(name.split(labels + 2)[1])
    if covered is None:
        return None
    return "opt-out" if covered.opt_out else "proven"


Delegation: TypeAlias = Literal["unsigned", "opt-out", "no cut", "no name"]


def delegation(denial: Denial, name: dns.name.Name) -> Delegation | None:
    """What a zone proves about a name below it for which it gives no DS; None: nothing (RFC 6840, 4.4)."""
    types = denial.types_at(name)
    if types is not None:
        if dns.rdatatype.DS in types or dns.rdatatype.SOA in types:
            return None
        return "unsigned" if dns.rdatatype.NS in types else "no cut"
    found = denial.encloser(name)
    if found is None:
        return None
    return "opt-out" if found.opt_out else "no name"


def wildcard_below(encloser: dns.name.Name) -> dns.name.Name:
    """The name that stands for those below another one that do not exist (RFC 4592)."""
    return dns.name.Name((b"*", *encloser.labels))


def _lacks(types: Types, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> bool:
    if rdtype in types or dns.rdatatype.CNAME in types:
        return False
    if rdtype == dns.rdatatype.DS:  # the parent's to know, not the zone's own (RFC 4035, 5.4)
        return dns.rdatatype.SOA not in types or name == dns.name.root
    return not _delegates(types)


def _delegates(types: Types) -> bool:
    """Whether another zone begins there: its parent knows nothing else of the name, and nothing of those below."""
    return dns.rdatatype.NS in types and dns.rdatatype.SOA not in types


def _ends_here(types: Types) -> bool:
    """Whether the zone has nothing to say about names below: a delegation, or a DNAME (RFC 6840, 4.1)."""
    return _delegates(types) or dns.rdatatype.DNAME in types


def _types(windows: Sequence[tuple[int, bytes]]) -> Types:
    """A bitmap of types (RFC 4034, 4.1.2)."""
    return frozenset(
        256 * window + 8 * index + bit
        for window, octets in windows
        for index, octet in enumerate(octets)
        for bit in range(8)
        if octet & 0x80 >> bit
    )


class _Gap(NamedTuple):
    owner: dns.name.Name
    next: dns.name.Name
    types: Types


class NsecDenial:
    """From NSEC records: each names its owner's types and the next name of the zone."""

    def __init__(self, rrsets: Sequence[dns.rrset.RRset]) -> None:
        self._gaps = [_Gap(rrset.name, record.next, _types(record.windows)) for rrset in rrsets for record in rrset]

    def types_at(self, name: dns.name.Name) -> Types | None:
        for gap in self._gaps:
            if gap.owner == name:
                return gap.types
            if _within(gap, name) and gap.next.is_subdomain(name):
                return frozenset()
        return None

    def covers(self, name: dns.name.Name) -> Covered | None:
        return Covered(opt_out=False) if self._gap_at(name) else None

    def encloser(self, name: dns.name.Name) -> Encloser | None:
        gap = self._gap_at(name)
        if gap is None:
            return None
        common = max(name.fullcompare(end)[2] for end in (gap.owner, gap.next))
        return Encloser(name.split(common)[1], opt_out=False)

    def _gap_at(self, name: dns.name.Name) -> _Gap | None:
        return next((gap for gap in self._gaps if _within(gap, name) and not gap.next.is_subdomain(name)), None)


def _within(gap: _Gap, name: dns.name.Name) -> bool:
    """Whether the name lies between the two, in canonical order (RFC 4034, 6.1); the last NSEC leads back to the apex."""
    if name.is_subdomain(gap.owner) and _ends_here(gap.types):
        return False
    return bool(gap.owner < name < gap.next or gap.next <= gap.owner < name)


class Nsec3Denial:
    """From NSEC3 records: the same with hashes of names; ``zone`` is the one whose they are.

    Insecure if they are hashed more often than `MAX_ITERATIONS`.
    """

    def __init__(self, zone: dns.name.Name, rrsets: Sequence[dns.rrset.RRset]) -> None:
        self._zone = zone
        known = [(owner, record) for rrset in rrsets for record in rrset if (owner := _hash_of(rrset.name, zone)) and _is_known(record)]
        # one answer comes from one chain of hashes; what does not fit in with the first is of no use (RFC 5155, 8.2)
        first = known[0][1] if known else None
        self._salt: bytes = first.salt if first else b""
        self._iterations: int = first.iterations if first else 0
        self._records = [(owner, record) for owner, record in known if (record.salt, record.iterations) == (self._salt, self._iterations)]
        self._hashes: dict[dns.name.Name, bytes] = {}
        if self._iterations > MAX_ITERATIONS:
            told = f"its NSEC3 records are hashed {self._iterations} times more, and over {MAX_ITERATIONS} is too often (RFC 9276)"
            raise Insecure(f"{shown(zone)} counts as unsigned: {told}")

    def types_at(self, name: dns.name.Name) -> Types | None:
        digest = self._hash(name)
        return next((_types(record.windows) for owner, record in self._records if owner == digest), None)

    def covers(self, name: dns.name.Name) -> Covered | None:
        digest = self._hash(name)
        for owner, record in self._records:
            if owner < digest < record.next or (record.next <= owner and (digest > owner or digest < record.next)):
                return Covered(opt_out=bool(record.flags & _OPT_OUT))
        return None

    def encloser(self, name: dns.name.Name) -> Encloser | None:
        for size in range(len(name), len(self._zone) - 1, -1):
            here = name.split(size)[1]
            types = self.types_at(here)
            if types is not None:
                closer = self.covers(name.split(size + 1)[1]) if here != name and not _ends_here(types) else None
                return Encloser(here, closer.opt_out) if closer else None
        return None

    def _hash(self, name: dns.name.Name) -> bytes:
        if name not in self._hashes:
            text = dns.dnssec.nsec3_hash(name, self._salt, self._iterations, _SHA1)
            self._hashes[name] = base64.b32hexdecode(text)
        return self._hashes[name]


def _hash_of(owner: dns.name.Name, zone: dns.name.Name) -> bytes | None:
    """The hash that is the first label of an NSEC3 record's name, whose rest is the zone."""
    if owner == dns.name.root or owner.parent() != zone:
        return None
    try:
        digest = base64.b32hexdecode(owner.labels[0].upper())
    except binascii.Error:
        return None
    return digest if len(digest) == _SHA1_BYTES else None


def _is_known(record: dns.rdtypes.ANY.NSEC3.NSEC3) -> bool:
    """Records of other hashes and with other flags are to be ignored (RFC 5155, 8.1 and 8.2)."""
    return record.algorithm == _SHA1 and record.flags in {0, _OPT_OUT} and len(record.next) == _SHA1_BYTES
