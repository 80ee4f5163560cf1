"""Field types for what DNS is made of: names, record types, name servers. Importing this module imports pydantic and dnspython."""

from __future__ import annotations

from typing import Annotated, Literal

import dns.exception
import dns.rdatatype
from pydantic import AfterValidator, Field

from monitorpy.core.tls_options import Text
from monitorpy.net.dnsquery import Server, absolute_name


def _name(value: str) -> str:
    absolute_name(value)
    return value


def _record_type(value: str) -> str:
    try:
        rdtype = dns.rdatatype.from_text(value)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"must be a DNS record type such as A or MX, not {value!r}") from None
    if dns.rdatatype.is_metatype(rdtype):
        raise ValueError(f"{value} asks for no records of its own; give the type of record to look for")
    return dns.rdatatype.to_text(rdtype)


def _server(value: str) -> str:
    Server.parse(value)
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"must be the path of a URL, such as /dns-query, not {value!r}")
    return value


def _trust_anchor(value: str | list[str]) -> str | list[str]:
    from monitorpy.net.dnssec_anchors import parse_anchors  # here, because it takes cryptography

    parse_anchors([value] if isinstance(value, str) else value)
    return value


NameField = Annotated[Text, AfterValidator(_name)]
"""A domain name, with or without its final dot; international ones as people write them."""

RecordTypeField = Annotated[Text, AfterValidator(_record_type)]
"""A type of records, in capitals: A, MX, TYPE65280."""

NameServerField = Annotated[Text, AfterValidator(_server)]
"""A name server as `Server.parse` takes it."""

TrustAnchorField = Annotated[Text | Annotated[list[Text], Field(min_length=1)], AfterValidator(_trust_anchor)]
"""DNSKEY or DS records as in a zone file: a text of one or more lines, or several."""

DohPathField = Annotated[Text, AfterValidator(_path)]
"""The path of a URL, with what may follow it."""

RcodeField = Literal["NOERROR", "NODATA", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"]
"""A response code; NODATA is NOERROR without records of the type."""
