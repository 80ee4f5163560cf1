from __future__ import annotations

import time

import dns.rcode
import dns.rdatatype
import pytest

from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.mail.exchangers import MailDomain, Place, is_address, require_name


@pytest.fixture
def domain(dns_server, ms):
    """lab.test, as the test's own name server has it."""

    def make(name="lab.test", family="any", seconds=2000 * ms):
        return MailDomain(name, f"127.0.0.1:{dns_server.port}", Deadline(seconds), family)

    return make


def test_records_are_in_order(dns_server, domain):
    dns_server.add("lab.test.", "MX", "20 a.lab.test.", "10 c.lab.test.", "10 B.lab.test.")
    assert domain().records() == [(10, "B.lab.test"), (10, "c.lab.test"), (20, "a.lab.test")]


@pytest.mark.parametrize(
    "name, message",
    [
        ("none.test", r"none\.test has no MX records \(NOERROR from 127\.0\.0\.1:"),
        ("gone.test", r"gone\.test has no MX records \(NXDOMAIN from"),
        ("null.test", r"null\.test takes no mail: it has the null MX$"),
        ("mixed.test", "null MX, beside others, which RFC 7505 forbids"),
        ("broken.test", r"the MX records of broken\.test cannot be looked up: SERVFAIL from 127\.0\.0\.1:"),
        ("many.test", "many.test has 51 MX records; more than 50 are not looked at"),
    ],
)
def test_domains_without_a_host_for_mail(dns_server, domain, name, message):
    dns_server.add("none.test.", "A", "192.0.2.1")
    dns_server.add("null.test.", "MX", "0 .")
    dns_server.add("mixed.test.", "MX", "10 a.lab.test.", "20 .")
    dns_server.rcodes["broken.test."] = "SERVFAIL"
    dns_server.add("many.test.", "MX", *(f"10 mx{number}.lab.test." for number in range(51)))
    with pytest.raises(NetError, match=message) as caught:
        domain(name).records()
    assert (caught.value.phase, caught.value.kind) == ("dns", "resolve")


@pytest.mark.parametrize(
    "family, addresses",
    [("any", ("127.0.0.1", "127.0.0.2", "::1")), ("ipv4", ("127.0.0.1", "127.0.0.2")), ("ipv6", ("::1",))],
)
def test_addresses_are_those_that_the_name_server_tells(dns_server, domain, family, addresses):
    dns_server.add("mx.lab.test.", "A", "127.0.0.1", "127.0.0.2")
    dns_server.add("mx.lab.test.", "AAAA", "::1")
    assert domain(family=family).place("mx.lab.test") == Place("mx.lab.test", addresses, None)


def test_what_the_name_server_does_not_know_the_system_resolves(domain):
    assert "127.0.0.1" in domain(family="ipv4").place("localhost").addresses
    assert domain().place("127.0.0.9") == Place("127.0.0.9", ("127.0.0.9",), None)


def test_an_alias_is_told(dns_server, domain):
    dns_server.add("mx.lab.test.", "CNAME", "other.lab.test.")
    dns_server.add("other.lab.test.", "CNAME", "real.lab.test.")
    dns_server.add("real.lab.test.", "A", "127.0.0.1")
    assert domain().place("mx.lab.test") == Place("mx.lab.test", ("127.0.0.1",), "real.lab.test")


@pytest.mark.parametrize("family, complete", [("any", False), ("ipv4", True)])
@pytest.mark.parametrize("silent", [True, False])
def test_addresses_that_cannot_be_told(dns_server, domain, ms, family, complete, silent):  # noqa: PLR0917 - fixtures
    def react(query, _):
        response = dns_server.answer(query)
        if query.question[0].rdtype == dns.rdatatype.AAAA:
            response.set_rcode(dns.rcode.SERVFAIL)
            return None if silent else response.to_wire()
        return response.to_wire()

    dns_server.add("mx.lab.test.", "A", "127.0.0.1")
    dns_server.react = react
    place = domain(family=family, seconds=400 * ms).place("mx.lab.test")
    assert place.addresses == ("127.0.0.1",)
    why = "no answer from 127.0.0.1:" if silent else "SERVFAIL from 127.0.0.1:"
    assert (place.unknown is None) == complete
    assert complete or str(place.unknown).startswith(f"the AAAA records cannot be looked up: {why}")


def test_hosts_are_looked_up_side_by_side(dns_server, domain, ms):
    dns_server.add("mx1.lab.test.", "A", "127.0.0.1")
    dns_server.react = lambda query, _: None if "mx2" in str(query.question[0].name) else dns_server.answer(query).to_wire()
    started = time.monotonic()
    found = domain(seconds=400 * ms).places(["mx2.lab.test", "mx1.lab.test", "mx2.lab.test"])
    assert time.monotonic() - started < 400 * ms + 1
    assert found == [Place("mx2.lab.test", (), None), Place("mx1.lab.test", ("127.0.0.1",), None), Place("mx2.lab.test", (), None)]


def test_the_name_servers_of_this_machine(monkeypatch, dns_server):
    monkeypatch.setattr(dnsquery, "system_servers", lambda: [dnsquery.Server("127.0.0.1", dns_server.port)])
    dns_server.add("lab.test.", "MX", "10 localhost.")
    dns_server.add("localhost.", "A", "192.0.2.1")
    system = MailDomain("lab.test", None, Deadline(2), "ipv4")
    assert system.records() == [(10, "localhost")]
    assert system.place("localhost").addresses == ("127.0.0.1",)  # as for every other check: by the system's resolver


@pytest.mark.parametrize(
    "text, is_one", [("192.0.2.1", True), ("::1", True), ("127.1", True), ("mx1.lab.test", False), ("1.example", False)]
)
def test_addresses_are_no_names(text, is_one):
    assert is_address(text) == is_one
    if is_one:
        with pytest.raises(NetError, match="must name a host, not an IP address"):
            require_name(text)
    else:
        require_name(text)
