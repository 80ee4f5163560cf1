"""check_dnssec of dns_record: zones that BIND and Knot sign themselves, asked directly and through Unbound, which validates too."""

from __future__ import annotations

import pytest

from monitorpy import run_check

from .servers.program import HOST


def look_up(port, name, record_type="A", **config):
    return run_check("dns_record", {"domain": name, "record_type": record_type, "nameserver": HOST, "port": port, "timeout": 10, **config})


@pytest.fixture(params=["bind9", "knot", "unbound"])
def validated(request):
    """Asks for a name and has the answer validated."""
    server = request.getfixturevalue(request.param)
    signer = request.getfixturevalue("bind9") if request.param == "unbound" else server

    def ask(name, record_type="A", **config):
        return look_up(server.port, name, record_type, **{"check_dnssec": True, "trust_anchor": signer.anchor, **config})

    return ask


@pytest.mark.parametrize(
    ("name", "record_type", "rcode"),
    [
        ("signed.test", "A", "NOERROR"),
        ("signed.test", "MX", "NOERROR"),
        ("signed.test", "DNSKEY", "NOERROR"),
        ("www.signed.test", "A", "NOERROR"),  # an alias
        ("x.wild.signed.test", "A", "NOERROR"),  # a wildcard
        ("big.signed.test", "TXT", "NOERROR"),  # over TCP
        ("nope.signed.test", "A", "NXDOMAIN"),
        ("a.b.nope.signed.test", "A", "NXDOMAIN"),
        ("mail.signed.test", "MX", "NODATA"),
        ("x.wild.signed.test", "MX", "NODATA"),
        ("child.signed.test", "DS", "NODATA"),
    ],
)
def test_secure(validated, name, record_type, rcode):
    result = validated(name, record_type, rcode=rcode)
    assert result.is_success(), result.message
    assert result.message.endswith(", secure (DNSSEC)")
    assert result.raw_data["dnssec"]["status"] == "secure"


@pytest.mark.parametrize(("name", "rcode"), [("child.signed.test", "NOERROR"), ("www.child.signed.test", "NOERROR")])
def test_insecure(validated, name, rcode):
    result = validated(name, rcode=rcode)
    assert result.is_error()
    assert result.message == "insecure (DNSSEC): child.signed.test is not signed: signed.test proves that there is no DS"
    assert validated(name, rcode=rcode, check_dnssec=False, trust_anchor=None).is_success()


def test_the_anchor_of_another_key(validated, bind9):
    result = validated("signed.test", trust_anchor=bind9.bogus_anchor.replace("bogus.test", "signed.test"))
    assert result.is_error()
    assert result.raw_data["dnssec"]["status"] == "bogus"
    assert "no DNSKEY of signed.test matches the trust anchor" in result.message


def test_a_zone_that_should_be_signed_and_is_not(bind9):
    anchor = bind9.anchor.replace("signed.test", "plain.test")
    result = look_up(bind9.port, "plain.test", check_dnssec=True, trust_anchor=anchor)
    assert result.is_error()
    assert result.raw_data["dnssec"]["status"] == "bogus"


@pytest.mark.parametrize("server", ["bind9", "unbound"])
@pytest.mark.parametrize("record_type", ["A", "MX"])
def test_expired_signatures(request, bind9, server, record_type):
    """Unbound hands out what it takes for bogus to one who says that he judges for himself (CD)."""
    port = request.getfixturevalue(server).port
    result = look_up(port, "bogus.test", record_type, check_dnssec=True, trust_anchor=bind9.bogus_anchor)
    assert result.is_error()
    assert result.raw_data["dnssec"]["status"] == "bogus"
    assert "(2025-02-01 00:00 UTC)" in result.message
    assert "expired" in result.message


def test_a_resolver_that_validates_refuses_what_is_bogus(unbound):
    result = look_up(unbound.port, "bogus.test")
    assert result.is_error()
    assert "expected NOERROR, got SERVFAIL" in result.message
    assert look_up(unbound.port, "bogus.test", rcode="SERVFAIL").is_success()
    assert look_up(unbound.port, "signed.test", rcode="SERVFAIL").is_error()


def test_one_that_does_not_look_lets_it_pass(bind9):
    assert look_up(bind9.port, "bogus.test", expected_value="192.0.2.10").is_success()


@pytest.mark.parametrize("transport", ["tcp", "tls", "https"])
def test_over_other_transports(bind9, certificates, transport):
    port = getattr(bind9, transport, bind9.port)
    config = {"check_dnssec": True, "trust_anchor": bind9.anchor, "transport": transport, "ca_file": str(certificates.ca_file)}
    result = look_up(port, "signed.test", "MX", **config)
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == transport
