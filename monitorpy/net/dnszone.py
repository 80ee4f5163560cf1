"""The zone that holds a name, and the servers that have authority for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import dns.name
import dns.rdatatype

from monitorpy.errors import NetError
from monitorpy.net.dnsquery import Answer
from monitorpy.net.dnsvalues import shown

Ask: TypeAlias = Callable[[dns.name.Name, dns.rdatatype.RdataType], Answer]
"""Asks one server about a name and a type, as `dnsquery.look_up` does."""


def zone_servers(name: dns.name.Name, ask: Ask) -> list[tuple[str, str]]:
    """The name servers of the zone that holds the name: (name, address) each. NetError if they cannot be found."""
    soa = ask(name, dns.rdatatype.SOA)
    sections = [*soa.message.answer, *soa.message.authority]
    zone = next((rrset.name for rrset in sections if rrset.rdtype == dns.rdatatype.SOA), None)
    names = [record.target for record in ask(zone, dns.rdatatype.NS).records] if zone else []  # type: ignore[attr-defined]
    types = [dns.rdatatype.A, dns.rdatatype.AAAA]
    found = [
        (shown(server), record.address)  # type: ignore[attr-defined]
        for server in sorted(names)
        for rdtype in types
        for record in ask(server, rdtype).records
    ]
    if not found:
        raise NetError(f"{soa.server} knows no name servers of {shown(zone or name)}", phase="dns", kind="resolve")
    return found
