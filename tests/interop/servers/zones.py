"""The zones that every name server here serves, under names of its own."""

from __future__ import annotations

import dns.message
import dns.query
import dns.rdatatype

from .program import HOST

ZONE = """
$ORIGIN @origin@
$TTL 300
@      IN SOA   ns1 hostmaster @serial@ 3600 900 604800 300
@      IN NS    ns1
@      IN NS    ns2
ns1    IN A     127.0.0.1
ns2    IN A     127.0.0.2
@      IN A     192.0.2.10
@      IN AAAA  2001:db8::10
@      IN MX    10 mail
@      IN MX    20 backup
@      IN TXT   "v=spf1 mx -all"
@      IN CAA   0 issue "ca.example"
www    IN CNAME @
mail   IN A     127.0.0.1
backup IN A     127.0.0.2
half   IN MX    10 mail
half   IN MX    20 gone
gone   IN A     127.0.0.3
many   IN A     192.0.2.1
many   IN A     192.0.2.2
many   IN A     192.0.2.3
*.wild IN A     192.0.2.20
child  IN NS    ns1
_25._tcp.mail   IN TLSA 3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
_sip._tcp       IN SRV  10 60 5060 mail
_dmarc          IN TXT  "v=DMARC1; p=reject"
big    IN TXT   "1 @filler@"
big    IN TXT   "2 @filler@"
big    IN TXT   "3 @filler@"
big    IN TXT   "4 @filler@"
big    IN TXT   "5 @filler@"
big    IN TXT   "6 @filler@"
""".replace("@filler@", "x" * 250)


def zone(origin: str, serial: int = 1) -> str:
    """Of "plain.test."; the text of a zone file."""
    return ZONE.replace("@origin@", origin).replace("@serial@", str(serial))


def answer(name: str, rdtype: str, port: int, host: str = HOST) -> list[str]:
    """What a server says about a name, without our own client. Raises what dnspython raises, LookupError for nothing."""
    query = dns.message.make_query(name, rdtype)
    response = dns.query.tcp(query, host, timeout=2, port=port)  # TCP tells at once that nobody is there yet
    records = [record.to_text() for rrset in response.answer for record in rrset if rrset.rdtype == dns.rdatatype.from_text(rdtype)]
    if not records:
        raise LookupError(response.to_text())
    return records


def anchor(name: str, port: int) -> str:
    """The trust anchor of a zone that a server signs itself: its key signing key, as in a zone file."""
    [key] = (text for text in answer(name, "DNSKEY", port) if text.startswith("257 "))
    return f"{name} IN DNSKEY {key}"
