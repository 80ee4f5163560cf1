"""Trust anchors, and the keys that they, or DS records, vouch for (RFC 4035, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import dns.dnssec
import dns.exception
import dns.name
import dns.rdatatype
import dns.zonefile
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from monitorpy.net.dnssec_signatures import ALGORITHMS, Work, described, is_zone_key
from monitorpy.net.dnsvalues import shown

Anchor: TypeAlias = DS | DNSKEY
Anchors: TypeAlias = Mapping[dns.name.Name, tuple[Anchor, ...]]

ROOT_ANCHORS = (
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",  # KSK-2017
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",  # KSK-2024
)
"""The keys of the root, as IANA publishes them: https://data.iana.org/root-anchors/root-anchors.xml."""

_DIGESTS = frozenset({DSDigest.SHA1, DSDigest.SHA256, DSDigest.SHA384})
"""What a validator must know or should (RFC 8624, 3.3)."""


def parse_anchors(texts: Iterable[str]) -> dict[dns.name.Name, tuple[Anchor, ...]]:
    """DNSKEY and DS records as in a zone file, in texts of one or more lines, by their zone. ValueError names the wrong one."""
    found: dict[dns.name.Name, tuple[Anchor, ...]] = {}
    for text in texts:
        try:
            rrsets = dns.zonefile.read_rrsets(text, rdclass=None, default_ttl=0)
        except (dns.exception.DNSException, ValueError, UnicodeError) as bad:
            raise ValueError(f"{text!r} is no DNSKEY or DS record as in a zone file: {bad}") from None
        if not rrsets:
            raise ValueError(f"{text!r} has no DNSKEY or DS record")
        for rrset in rrsets:
            for record in rrset:
                if why := _no_anchor(record):
                    raise ValueError(f"{text!r} cannot be trusted: {why}")
            found[rrset.name] = (*found.get(rrset.name, ()), *rrset)
    return found


def anchors_for(name: dns.name.Name, rdtype: dns.rdatatype.RdataType, given: str | Sequence[str] | None) -> Anchors:
    """The given anchors, as `parse_anchors` takes them, or those of the root. ValueError if none can vouch for the name's records."""
    anchors = parse_anchors(ROOT_ANCHORS if given is None else [given] if isinstance(given, str) else given)
    holder = holder_of(name, rdtype)
    if not any(holder.is_subdomain(zone) for zone in anchors):
        zones, where = " and ".join(map(shown, anchors)), "above" if holder != name else "at or above"
        raise ValueError(f"the trust anchor is for {zones}, which is not {where} {shown(name)}")
    return anchors


def holder_of(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.name.Name:
    """The name whose zone has the records: a DS is in the zone above."""
    return name.parent() if rdtype == dns.rdatatype.DS and name != dns.name.root else name


def _no_anchor(record: object) -> str | None:
    """Why nothing can be built on the record."""
    if not isinstance(record, Anchor):
        return "it is no DNSKEY or DS record"
    if isinstance(record, DNSKEY) and not is_zone_key(record):
        return "it is no key for zones (flags 257 or 256, protocol 3), or it is revoked"
    return None if supported(record) else f"{unsupported([record])} is not supported"


def supported(anchor: Anchor) -> bool:
    return anchor.algorithm in ALGORITHMS and (isinstance(anchor, DNSKEY) or anchor.digest_type in _DIGESTS)


def unsupported(anchors: Iterable[Anchor]) -> str:
    """The algorithms, and digests, that are to blame, for messages."""
    algorithms = {f"algorithm {Algorithm.to_text(each.algorithm)}" for each in anchors if each.algorithm not in ALGORITHMS}
    digests = {f"digest {each.digest_type}" for each in anchors if isinstance(each, DS) and each.digest_type not in _DIGESTS}
    return " and ".join(sorted(algorithms) + sorted(digests))


def vouched_for(zone: dns.name.Name, keys: Iterable[DNSKEY], anchors: Iterable[Anchor], work: Work) -> tuple[DNSKEY, ...]:
    """Those of the zone's keys that are an anchor, or have one as digest; SHA-1 only where there is nothing better (RFC 4509, 3)."""
    usable = [anchor for anchor in anchors if supported(anchor)]
    strong = [anchor for anchor in usable if isinstance(anchor, DNSKEY) or anchor.digest_type != DSDigest.SHA1]
    return tuple(key for key in keys if is_zone_key(key) and any(_vouches(anchor, zone, key, work) for anchor in strong or usable))


def _vouches(anchor: Anchor, zone: dns.name.Name, key: DNSKEY, work: Work) -> bool:
    if isinstance(anchor, DNSKEY):
        return bool(anchor == key)
    if (anchor.algorithm, anchor.key_tag) != (key.algorithm, dns.dnssec.key_id(key)):
        return False
    work.spend()
    return bool(dns.dnssec.make_ds(zone, key, anchor.digest_type, validating=True) == anchor)


def _tag(anchor: Anchor) -> int:
    return anchor.key_tag if isinstance(anchor, DS) else dns.dnssec.key_id(anchor)


def named(anchors: Iterable[Anchor]) -> str:
    """The keys meant, for messages."""
    return ", ".join(sorted({described(anchor.algorithm, _tag(anchor)) for anchor in anchors}))
