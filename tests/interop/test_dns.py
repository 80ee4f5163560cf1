"""dns_record: the same of the lab's name server, of BIND and Knot, and of Unbound before BIND."""

from __future__ import annotations

import pytest

from monitorpy import run_check
from monitorpy.lab.dns_server import DnsServer

from .servers.program import HOST
from .servers.zones import zone

AUTHORITATIVE = ["lab", "bind9", "knot"]
ZONE = "plain.test"


def look_up(server, name, record_type, **config):
    return run_check(
        "dns_record", {"domain": name, "record_type": record_type, "nameserver": HOST, "port": server.port, "timeout": 10, **config}
    )


@pytest.fixture(scope="session")
def lab():
    with DnsServer(zone(f"{ZONE}."), f"{ZONE}.") as server:
        yield server


@pytest.fixture(params=[*AUTHORITATIVE, "unbound"])
def ask(request):
    server = request.getfixturevalue(request.param)
    return lambda name, record_type, **config: look_up(server, name, record_type, **config)


@pytest.fixture(params=AUTHORITATIVE)
def authority(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("name", "record_type", "values"),
    [
        (ZONE, "A", ["192.0.2.10"]),
        (ZONE, "AAAA", ["2001:db8::10"]),
        (ZONE, "MX", ["20 backup.plain.test.", "10 mail.plain.test."]),
        (ZONE, "TXT", ["v=spf1 mx -all"]),
        (ZONE, "CAA", ['0 issue "ca.example"']),
        (ZONE, "NS", ["ns1.plain.test.", "ns2.plain.test."]),
        (ZONE, "SOA", ["ns1.plain.test. hostmaster.plain.test. 1 3600 900 604800 300"]),
        ("www.plain.test", "CNAME", ["plain.test."]),
        ("many.plain.test", "A", ["192.0.2.3", "192.0.2.1", "192.0.2.2"]),
        ("_sip._tcp.plain.test", "SRV", ["10 60 5060 mail.plain.test."]),
        ("_25._tcp.mail.plain.test", "TLSA", ["3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]),
    ],
)
def test_values(ask, name, record_type, values):
    result = ask(name, record_type, expected_value=values)
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == "udp"
    fewer = ask(name, record_type, expected_value=values, match="excludes")
    assert fewer.is_error()


def test_values_that_are_others(ask):
    result = ask("many.plain.test", "A", expected_value=["192.0.2.1", "192.0.2.2", "192.0.2.9"])
    assert result.is_error()
    assert {"192.0.2.3", "192.0.2.9"} <= set(result.message.replace(",", " ").replace(";", " ").split())


def test_an_alias(ask):
    result = ask("www.plain.test", "A", expected_value="192.0.2.10")
    assert result.is_success(), result.message
    assert result.raw_data["aliases"] == ["plain.test"]


@pytest.mark.parametrize(("name", "record_type", "rcode"), [("nope.plain.test", "A", "NXDOMAIN"), ("mail.plain.test", "AAAA", "NODATA")])
def test_what_is_not_there(ask, name, record_type, rcode):
    assert ask(name, record_type, rcode=rcode).is_success()
    missed = ask(name, record_type)
    assert missed.is_error()
    assert ("does not exist" if rcode == "NXDOMAIN" else "has no AAAA records") in missed.message


@pytest.mark.parametrize(("name", "record_type"), [(ZONE, "A"), ("mail.plain.test", "AAAA")])
def test_a_name_that_is_there_is_not_missing(ask, name, record_type):
    assert ask(name, record_type, rcode="NXDOMAIN").is_error()


def test_what_does_not_fit_into_a_datagram_comes_over_tcp(ask):
    result = ask("big.plain.test", "TXT")
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == "tcp"
    assert [value[:3] for value in result.raw_data["values"]] == ['"1 ', '"2 ', '"3 ', '"4 ', '"5 ', '"6 ']


def test_tcp_from_the_start(ask):
    result = ask(ZONE, "A", transport="tcp", expected_value="192.0.2.10")
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == "tcp"


def test_authority(authority):
    result = look_up(authority, ZONE, "A", check_authoritative=True)
    assert result.is_success(), result.message
    assert result.raw_data["authoritative"] is True


def test_a_resolver_has_no_authority(unbound):
    result = look_up(unbound, ZONE, "A", check_authoritative=True)
    assert result.is_error()
    assert "does not answer with authority (AA)" in result.message


def test_a_zone_of_others(authority):
    assert look_up(authority, "elsewhere.example", "A", rcode="REFUSED").is_success()
    refused = look_up(authority, "elsewhere.example", "A")
    assert refused.is_error()
    assert "expected NOERROR, got REFUSED" in refused.message


def test_the_life_of_an_answer(authority):
    assert look_up(authority, ZONE, "A", ttl="300:300").is_success()
    short = look_up(authority, ZONE, "A", ttl="3600:")
    assert short.is_error()
    assert "300" in short.message


def test_propagation(bind9, knot, unbound):
    resolvers = [f"{HOST}:{port}" for port in (bind9.port, knot.port, unbound.port)]
    result = look_up(bind9, ZONE, "MX", check_propagation=True, resolvers=resolvers, propagation_threshold=100)
    assert result.is_success(), result.message
    assert result.raw_data["propagation"]["percent"] == 100


def test_propagation_to_a_resolver_that_does_not_know_it(bind9, knot):
    with DnsServer() as stranger:
        resolvers = [f"{HOST}:{port}" for port in (bind9.port, knot.port, stranger.port)]
        result = look_up(bind9, ZONE, "MX", check_propagation=True, resolvers=resolvers)
    assert result.is_error()
    assert round(result.raw_data["propagation"]["percent"]) == 67
    assert "REFUSED" in result.message


def test_serials_of_two_servers_of_two_makes(bind9, knot):
    assert bind9.port == knot.second
    same = look_up(bind9, ZONE, "A", soa_serial_in_sync=True)
    assert same.is_success(), same.message
    assert set(same.raw_data["soa_serials"].values()) == {1}
    behind = look_up(bind9, "stale.test", "A", soa_serial_in_sync=True)
    assert behind.is_error()
    assert behind.message.startswith(f"ns2.stale.test (127.0.0.2:{knot.second}) has serial 1 of stale.test, 1 behind 2")


def test_a_server_of_the_zone_that_is_not_there(bind9, authority_port):
    """Knot is asked for by nobody here; started or not, it does not have this zone."""
    result = look_up(bind9, "bogus.test", "A", soa_serial_in_sync=True, timeout=3)
    assert result.is_error()
    assert f"127.0.0.2:{authority_port}" in result.message


@pytest.fixture(params=["tls", "https"])
def ask_safely(request, bind9, certificates):
    """BIND over an encrypted transport."""

    def ask(name, record_type, **config):
        given = {"port": getattr(bind9, request.param), "transport": request.param, "ca_file": str(certificates.ca_file), **config}
        return look_up(bind9, name, record_type, **{key: value for key, value in given.items() if value is not None})

    ask.transport = request.param
    return ask


@pytest.mark.parametrize("more", [{}, {"server_name": "localhost"}])
@pytest.mark.parametrize(("name", "record_type"), [(ZONE, "MX"), ("big.plain.test", "TXT")])
def test_over_tls_and_https(ask_safely, name, record_type, more):
    result = ask_safely(name, record_type, **more)
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == ask_safely.transport
    assert result.phases["tls"] > 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"server_name": "elsewhere.test"}, "wrong host: not valid for 'elsewhere.test'"),
        ({"ca_file": None}, "unknown issuer"),
    ],
)
def test_a_server_that_is_not_who_it_should_be(ask_safely, config, message):
    result = ask_safely(ZONE, "A", **config)
    assert (result.status, result.kind) == ("error", "tls")
    assert message in result.message
    assert ask_safely(ZONE, "A", **config, verify_ssl=False).is_success()


def test_https_at_a_path_that_is_not_there(bind9, certificates):
    config = {"port": bind9.https, "transport": "https", "ca_file": str(certificates.ca_file)}
    assert look_up(bind9, ZONE, "A", **config, doh_path="/dns-query").is_success()
    wrong = look_up(bind9, ZONE, "A", **config, doh_path="/nope")
    assert wrong.is_error()
    assert "answers with status 404" in wrong.message


@pytest.mark.parametrize("transport", ["tls", "https"])
def test_a_server_that_does_not_speak_tls(bind9, transport):
    result = look_up(bind9, ZONE, "A", transport=transport, timeout=1)
    assert result.is_error()
