"""Whether the signatures (RRSIG) of a set of records hold, and why not (RFC 4035, 5.3)."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

import cryptography.exceptions
import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.node
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG
from dns.rdtypes.dnskeybase import Flag

from monitorpy.net.chain import days
from monitorpy.net.dnsvalues import shown

ALGORITHMS = frozenset(
    {
        Algorithm.RSASHA1,
        Algorithm.RSASHA1NSEC3SHA1,
        Algorithm.RSASHA256,
        Algorithm.RSASHA512,
        Algorithm.ECDSAP256SHA256,
        Algorithm.ECDSAP384SHA384,
        Algorithm.ED25519,
        Algorithm.ED448,
    }
)
"""What a validator must know or should (RFC 8624, 3.1); a zone with others only is as good as unsigned (RFC 4035, 5.2)."""

_DNSSEC = 3
"""The only protocol that a DNSKEY may be for (RFC 4034, 2.1.2)."""
_VERIFICATIONS = 256
_AT_ONE_SET = 16
_TOLD = 3
_HALF = 2**31
_NEVER_WILD = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3, dns.rdatatype.DNSKEY, dns.rdatatype.DS, dns.rdatatype.SOA}
"""Types that prove something about the very name that owns them; made from a wildcard they would prove it of any name."""
_NO_KEY = (dns.exception.DNSException, cryptography.exceptions.UnsupportedAlgorithm, ValueError, struct.error)
"""What comes of keys and signatures that are none, besides those that do not verify."""


class NotSecure(Exception):  # noqa: N818 - a finding about data, not an error of ours
    """The chain of trust does not lead to the data; the text is the reason, for a person."""

    status: ClassVar[Literal["insecure", "bogus"]]


class Insecure(NotSecure):
    """It is proven that the data need no signature: the zone is not signed (RFC 4033, 5)."""

    status = "insecure"


class Bogus(NotSecure):
    """The data should be signed, and are not, or wrongly."""

    status = "bogus"


class Work:
    """What judging one answer may cost in verifications, so that no zone can keep us busy for long (KeyTrap, CVE-2023-50387)."""

    def __init__(self, verifications: int = _VERIFICATIONS) -> None:
        self._left = verifications

    def spend(self) -> None:
        """Bogus when there is nothing left."""
        if self._left == 0:
            raise Bogus("it takes too many signatures and keys to judge the answer; given up")
        self._left -= 1


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and those of its keys that are vouched for."""

    name: dns.name.Name
    keys: tuple[DNSKEY, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A set of records and the signatures that a message has of it, in whatever state."""

    rrset: dns.rrset.RRset
    signatures: tuple[RRSIG, ...]

    @classmethod
    def of(cls, message: dns.message.Message, section: list[dns.rrset.RRset], rrset: dns.rrset.RRset) -> Signed:
        found = message.get_rrset(section, rrset.name, rrset.rdclass, dns.rdatatype.RRSIG, rrset.rdtype)
        return cls(rrset, tuple(found or ()))

    @property
    def title(self) -> str:
        return f"{shown(self.rrset.name)} {dns.rdatatype.to_text(self.rrset.rdtype)}"

    def by(self, signer: dns.name.Name) -> bool:
        return any(signature.signer == signer for signature in self.signatures)

    def expanded(self, signature: RRSIG) -> bool:
        """Whether that signature is one of a wildcard that the name was made from (RFC 4035, 5.3.4)."""
        return signature.labels < _labels(self.rrset.name)


def is_zone_key(key: DNSKEY) -> bool:
    """Whether it may sign what is in a zone: RFC 4034, 2.1; revoked ones may not, RFC 5011, 2.1."""
    return bool(key.flags & Flag.ZONE) and not key.flags & Flag.REVOKE and key.protocol == _DNSSEC


def described(algorithm: int, tag: int) -> str:
    """A key as in messages."""
    return f"key {tag} ({Algorithm.to_text(algorithm)})"


def verify(signed: Signed, zone: Zone, now: datetime, work: Work) -> RRSIG:
    """The signature, by a key of the zone, that holds. Bogus says why none does."""
    if not signed.signatures:
        raise Bogus(f"{signed.title} is not signed, though {shown(zone.name)} is")
    reasons = []
    tries = 0
    for signature in signed.signatures:
        why = _unfit(signed, signature, zone) or _out_of_date(signature, now)
        keys = [] if why else _keys_of(signature, zone.keys)
        for key in keys:
            tries += 1
            if tries > _AT_ONE_SET:
                raise Bogus(f"{signed.title} has more than {_AT_ONE_SET} signatures and keys to try; given up")
            work.spend()
            if _verifies(signed.rrset, signature, key):
                return signature
        if not why and not keys:
            tags = ", ".join(sorted(str(dns.dnssec.key_id(key)) for key in zone.keys))
            why = f"is by none of the keys of {shown(zone.name)} that are vouched for ({tags})"
        by = described(signature.algorithm, signature.key_tag)
        reasons.append(f"the signature of {signed.title} by {by} {why or 'does not verify: the data or the signature was changed'}")
    raise Bogus(_listed(reasons))


def _keys_of(signature: RRSIG, keys: Iterable[DNSKEY]) -> list[DNSKEY]:
    wanted = (signature.algorithm, signature.key_tag)
    return [key for key in keys if (key.algorithm, dns.dnssec.key_id(key)) == wanted]


def _unfit(signed: Signed, signature: RRSIG, zone: Zone) -> str | None:
    """Why a signature cannot be the one for these records, whatever its bytes."""
    labels = _labels(signed.rrset.name)
    if signature.signer != zone.name or not signed.rrset.name.is_subdomain(zone.name):
        return f"is one of {shown(signature.signer)}, but the records belong to {shown(zone.name)}"
    if signature.labels > labels:
        return f"is for a name of {signature.labels} labels, but the name has {labels}"
    if signature.labels < labels and signed.rrset.rdtype in _NEVER_WILD:
        return "is one of a wildcard, which such records cannot be made from"
    if signature.algorithm not in ALGORITHMS:
        return "is of an algorithm that is not supported"
    return None


def _out_of_date(signature: RRSIG, now: datetime) -> str | None:
    ended, begun = (_since(moment, now) for moment in (signature.expiration, signature.inception))
    if ended > timedelta():
        return f"expired {_span(ended)} ago ({_stamp(now - ended)})"
    if begun < timedelta():
        return f"is not valid yet: it begins in {_span(-begun)} ({_stamp(now - begun)})"
    return None


def _since(moment: int, now: datetime) -> timedelta:
    """How long it is ago; the 32 bits of seconds begin anew in 2106 and are compared as serial numbers (RFC 4034, 3.1.5)."""
    exact = now.timestamp()
    seconds = int(exact)
    return timedelta(seconds=(seconds - moment + _HALF) % (2 * _HALF) - _HALF + exact - seconds)


def _span(span: timedelta) -> str:
    return days(span.total_seconds() / 86400)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _labels(name: dns.name.Name) -> int:
    """As RRSIG counts them: neither the root nor a leading asterisk (RFC 4034, 3.1.3)."""
    return len(name) - 1 - name.is_wild()


def _verifies(rrset: dns.rrset.RRset, signature: RRSIG, key: DNSKEY) -> bool:
    keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {signature.signer: dns.rdataset.from_rdata(0, key)}
    try:
        dns.dnssec.validate_rrsig(rrset, signature, keys, now=signature.inception)  # its time has been judged already
    except _NO_KEY:
        return False
    return True


def _listed(reasons: Sequence[str]) -> str:
    """Each once; the first ones, and how many there are if that is not all."""
    each = list(Counter(reasons))
    return "; ".join(each[:_TOLD]) + (f"; ... ({len(each)} signatures)" if len(each) > _TOLD else "")
