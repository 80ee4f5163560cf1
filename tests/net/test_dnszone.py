from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from monitorpy.errors import NetError
from monitorpy.net import dnszone
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import Question, Server, look_up
from monitorpy.net.dnszone import Authority, authorities, behind, find_zone, newest, soa_serial
from monitorpy.net.resolve import Address

ZONE = dns.name.from_text("example.test")
SOA = "ns1.example.test. hostmaster.example.test. {} 3600 600 86400 60"


@pytest.fixture(scope="module")
def servers():
    path = Path(__file__).parents[1] / "plugins" / "servers_dns.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_dns_for_zones", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(servers):
    with servers.running(servers.DnsServer()) as running:
        running.add("example.test.", "SOA", SOA.format(7))
        yield running


@pytest.fixture
def question(ms):
    return Question(dns.rdatatype.SOA, Deadline(5000 * ms))


@pytest.fixture
def ask(server, question):
    def run(name, rdtype):
        return look_up(name, Server("127.0.0.1", server.port), Question(rdtype, question.deadline))

    return run


@pytest.fixture
def find(ask, question):
    return partial(authorities, ZONE, ask, question.deadline)


def zone_of(name, ask):
    return find_zone(dns.name.from_text(name), ask).to_text()


@pytest.mark.parametrize("name", ["example.test", "www.example.test", "no.such.name.example.test"])
def test_zone_of_a_name(name, ask):
    assert zone_of(name, ask) == "example.test."


def test_the_nearest_zone_counts(server, ask):
    server.add("sub.example.test.", "SOA", SOA.format(1))
    assert zone_of("sub.example.test", ask) == "sub.example.test."
    server.apex = "sub.example.test."
    assert zone_of("www.sub.example.test", ask) == "sub.example.test."


def test_an_alias_does_not_lead_into_the_zone_where_it_ends(server, ask):
    server.add("www.example.test.", "CNAME", "cdn.test.")
    server.add("cdn.test.", "SOA", SOA.format(99))
    assert zone_of("www.example.test", ask) == "example.test."
    assert [name for name, *_ in server.queries] == ["www.example.test.", "example.test."]


def test_no_zone_at_all(server, ask):
    server.zone.clear()
    with pytest.raises(NetError, match=r"127\.0\.0\.1:\d+ knows no zone that holds www\.example\.test$") as caught:
        zone_of("www.example.test", ask)
    assert caught.value.kind == "resolve"
    assert server.queries[-1][0] == "."


def test_every_address_of_every_name_server(server, find):
    server.add("example.test.", "NS", "ns2.example.test.", "ns1.example.test.")
    server.add("ns1.example.test.", "A", "192.0.2.1", "192.0.2.2")
    server.add("ns1.example.test.", "AAAA", "2001:db8::1")
    server.add("ns2.example.test.", "A", "192.0.2.3")
    one, two = "ns1.example.test", "ns2.example.test"
    assert find() == [Authority(one, "192.0.2.1"), Authority(one, "192.0.2.2"), Authority(one, "2001:db8::1"), Authority(two, "192.0.2.3")]
    assert [str(place) for place in find("ipv6")][:1] == ["ns1.example.test (2001:db8::1)"]
    lame = find("ipv6")[1]
    assert (str(lame), lame.problem) == ("ns2.example.test (no address)", "its name has no AAAA record (NODATA)")


def test_a_name_server_without_an_address_is_not_passed_over(server, find):
    server.add("example.test.", "NS", "gone.example.test.", "ns1.example.test.")
    server.add("ns1.example.test.", "A", "192.0.2.1")
    assert find() == [
        Authority("gone.example.test", None, "its name has no A or AAAA record (NXDOMAIN)"),
        Authority("ns1.example.test", "192.0.2.1"),
    ]


def test_a_name_server_whose_address_cannot_be_told(server, find):
    server.add("example.test.", "NS", "ns1.example.test.")
    server.rcodes["ns1.example.test."] = "SERVFAIL"
    assert find() == [Authority("ns1.example.test", None, f"127.0.0.1:{server.port} answers SERVFAIL for its address")]


def test_names_of_others_are_for_the_system_to_resolve(server, find, monkeypatch):
    server.add("example.test.", "NS", "ns.elsewhere.test.")
    server.rcodes["ns.elsewhere.test."] = "REFUSED"
    monkeypatch.setattr(dnszone, "resolve", lambda host, port, deadline, family: [Address(f"{host} as {family}", port, 2)])
    assert find("ipv4") == [Authority("ns.elsewhere.test", "ns.elsewhere.test as ipv4")]


def test_zone_without_name_servers(find):
    with pytest.raises(NetError, match=r"knows no name servers of example\.test \(NODATA\)"):
        find()


@pytest.fixture
def serial(server, question):
    def run(port=None):
        return soa_serial(ZONE, Server("127.0.0.1", port or server.port), question)

    return run


def test_serial(server, serial):
    assert serial() == 7
    assert server.queries == [("example.test.", "SOA", "udp", False)]


def test_serial_without_authority_is_none(server, serial):
    server.authoritative = False
    with pytest.raises(NetError, match=r"it does not serve example\.test: it answers without authority \(AA\)"):
        serial()


@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL", "NXDOMAIN"])
def test_server_that_does_not_serve_the_zone(server, serial, rcode):
    server.rcodes["example.test."] = rcode
    with pytest.raises(NetError, match=f"it does not serve example.test: it answers {rcode}"):
        serial()


def test_a_serial_beside_a_refusal_is_none(server, serial):
    def react(query, transport):
        response = server.answer(query)
        response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()

    server.react = react
    with pytest.raises(NetError, match="it answers SERVFAIL"):
        serial()


def test_server_that_only_refers_to_others(server, serial):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "ns.test."))
        return response.to_wire()

    server.react = react
    with pytest.raises(NetError, match="it answers REFERRAL"):
        serial()


@pytest.mark.parametrize(
    "serials, expected",
    [
        ([7], 7),
        ([7, 9, 8], 9),
        ([9, 7], 9),
        ([4294967295, 0], 0),
        ([0, 4294967295], 0),
        ([4294967290, 3, 4294967295], 3),
        ([1, 1 + 2**31], 1),
    ],
)
def test_newest_by_serial_arithmetic(serials, expected):
    assert newest(serials) == expected


def test_behind():
    assert behind(7, 9) == 2
    assert behind(4294967295, 1) == 2
