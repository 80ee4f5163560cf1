from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from monitorpy.core.registry import registry, run_check
from monitorpy.errors import NetError
from monitorpy.lab.dns_server import DnsServer
from monitorpy.net import dnsquery

ANCHOR = "signed.test. DS 1 13 2 " + "00" * 32
SOA = "ns1.example.test. hostmaster.example.test. {} 3600 600 86400 60"


@pytest.fixture
def look(dns_server):
    """Runs dns_record against the server."""
    dns_server.add("example.test.", "SOA", SOA.format(7))
    dns_server.add("www.example.test.", "A", "192.0.2.1", "192.0.2.2")

    def run(domain="www.example.test", record_type="A", *, timeout=2, **config):
        base = {"domain": domain, "record_type": record_type, "nameserver": "127.0.0.1", "port": dns_server.port, "timeout": timeout}
        return run_check("dns_record", {key: value for key, value in (base | config).items() if value is not None})

    return run


def test_observation(look, dns_server):
    result = look()
    assert result.is_success(), result
    assert result.raw_data == {
        "name": "www.example.test",
        "record_type": "A",
        "values": ["192.0.2.1", "192.0.2.2"],
        "ttl": 300,
        "rcode": "NOERROR",
        "authoritative": True,
        "nameserver": f"127.0.0.1:{dns_server.port}",
        "transport": "udp",
        "aliases": [],
        "dnssec": None,
        "propagation": None,
        "soa_serials": None,
    }
    assert result.message == "www.example.test A: 192.0.2.1, 192.0.2.2 (ttl 300 s)"
    assert result.phases["first_byte"] > 0
    assert result.phases["connect"] is None
    assert result.response_time > 0


@pytest.mark.parametrize(
    "match, expected, message",
    [
        ("exact", ["192.0.2.2", "192.0.2.1"], None),
        ("exact", "192.0.2.1", "expected exactly 192.0.2.1, got 192.0.2.1, 192.0.2.2 (unexpected 192.0.2.2)"),
        (
            "exact",
            ["192.0.2.1", "192.0.2.9"],
            "expected exactly 192.0.2.1, 192.0.2.9, got 192.0.2.1, 192.0.2.2 (missing 192.0.2.9, unexpected 192.0.2.2)",
        ),
        (
            "exact",
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
            "expected exactly 192.0.2.1, 192.0.2.2, 192.0.2.3, got 192.0.2.1, 192.0.2.2 (missing 192.0.2.3)",
        ),
        ("contains", "192.0.2.1", None),
        ("contains", "192.0.2.9", "expected 192.0.2.9 among the values, missing 192.0.2.9, got 192.0.2.1, 192.0.2.2"),
        ("excludes", "192.0.2.9", None),
        ("excludes", ["192.0.2.9", "192.0.2.1"], "unwanted 192.0.2.1 in 192.0.2.1, 192.0.2.2"),
    ],
)
def test_match(look, match, expected, message):
    result = look(expected_value=expected, match=match)
    if message is None:
        assert result.is_success(), result.message
    else:
        assert result.is_error()
        assert result.fault == "target"
        assert result.message == message
        assert result.failures[0].path == "values"
        assert result.failures[0].actual == ["192.0.2.1", "192.0.2.2"]


def test_values_are_compared_by_what_they_mean(look, dns_server):
    dns_server.add("v.example.test.", "MX", "10 Mail.Example.test.")
    assert look("v.example.test.", "mx", expected_value="10 mail.example.TEST").is_success()


def test_wrong_text_is_shown_as_in_a_zone_file(look, dns_server):
    dns_server.add("t.example.test.", "TXT", '"v=spf1 -all"')
    result = look("t.example.test", "TXT", expected_value='v=spf1 "x" ~all')
    assert '(missing "v=spf1 \\"x\\" ~all", unexpected "v=spf1 -all")' in result.message


def test_many_values_are_cut_in_messages(look, dns_server):
    dns_server.add("m.example.test.", "A", *[f"192.0.2.{n}" for n in range(10, 18)])
    result = look("m.example.test")
    assert ", ... (8 values) (ttl" in result.message
    assert len(result.raw_data["values"]) == 8


def test_nxdomain_is_an_error(look):
    result = look("nope.example.test")
    assert result.is_error()
    assert result.fault == "target"
    assert "expected NOERROR, got NXDOMAIN from 127.0.0.1:" in result.message
    assert result.message.endswith("nope.example.test does not exist")
    assert result.raw_data["rcode"] == "NXDOMAIN"
    assert result.raw_data["values"] == []
    assert result.raw_data["ttl"] is None


def test_nxdomain_may_be_expected(look):
    result = look("nope.example.test", rcode="NXDOMAIN")
    assert result.is_success()
    assert result.message == "nope.example.test A: NXDOMAIN, as expected"


def test_nxdomain_expected_but_it_exists(look):
    result = look(rcode="NXDOMAIN")
    assert result.is_error()
    assert result.message.endswith("www.example.test has A records: 192.0.2.1, 192.0.2.2")


def test_no_records_of_the_type_is_told_apart_and_never_green(look):
    result = look(record_type="AAAA")
    assert result.is_error()
    assert result.message.endswith("www.example.test exists but has no AAAA records")
    assert result.raw_data["rcode"] == "NOERROR"
    assert result.failures[0].actual == "NODATA"


def test_no_records_may_be_expected(look):
    assert look(record_type="AAAA", rcode="NODATA").is_success()
    assert look(record_type="A", rcode="NODATA").is_error()


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_server_that_cannot_answer_is_named(look, dns_server, rcode):
    dns_server.rcodes["www.example.test."] = rcode
    result = look(expected_value="192.0.2.1")
    assert result.is_error()
    assert f"expected NOERROR, got {rcode} from 127.0.0.1:{dns_server.port}" in result.message


@pytest.mark.parametrize(
    "ttl, status", [(300, "success"), (299, "error"), ("60:3600", "success"), ("@100:400", "error"), ({"warning": 200}, "warning")]
)
def test_ttl(look, ttl, status):
    result = look(ttl=ttl)
    assert result.status == status, result.message


def test_ttl_says_by_how_much(look):
    result = look(ttl="600:", expected_value="192.0.2.9")
    assert len(result.failures) == 2
    assert "ttl 300 s is below 600 s" in result.message


def test_alias_is_followed_and_shown(look, dns_server):
    dns_server.add("alias.example.test.", "CNAME", "www.example.test.", ttl=20)
    result = look("alias.example.test", expected_value=["192.0.2.1", "192.0.2.2"])
    assert result.is_success(), result.message
    assert result.message.startswith("alias.example.test A (alias of www.example.test): 192.0.2.1")
    assert result.raw_data["aliases"] == ["www.example.test"]
    assert result.raw_data["ttl"] == 20


def test_alias_of_nothing_says_so(look, dns_server):
    dns_server.add("alias.example.test.", "CNAME", "gone.example.test.")
    result = look("alias.example.test")
    assert result.is_error()
    assert result.message.endswith("gone.example.test does not exist (alias.example.test is an alias of it)")


def test_cname_itself(look, dns_server):
    dns_server.add("alias.example.test.", "CNAME", "www.example.test.")
    result = look("alias.example.test", "CNAME", expected_value="WWW.example.test")
    assert result.is_success()
    assert result.raw_data["aliases"] == []


def test_subdomain_and_reverse_names(look, dns_server):
    dns_server.add("1.2.0.192.in-addr.arpa.", "PTR", "www.example.test.")
    assert look("example.test", subdomain="www").raw_data["name"] == "www.example.test"
    assert look("192.0.2.1", "PTR", expected_value="www.example.test").is_success()
    assert look("1.2.0.192.in-addr.arpa", "PTR").is_success()
    assert look("2.0.192.in-addr.arpa", "PTR", subdomain="1").is_success()


def test_international_name(look, dns_server):
    dns_server.add("xn--grn-ioa.example.test.", "A", "192.0.2.3")
    assert look("grün.example.test").raw_data["name"] == "xn--grn-ioa.example.test"


def test_tcp(look, dns_server):
    result = look(transport="tcp")
    assert result.is_success()
    assert result.raw_data["transport"] == "tcp"
    assert result.phases["connect"] is not None
    assert dns_server.queries[0][2] == "tcp"


def test_nameserver_with_its_own_port(look, dns_server):
    assert look(nameserver=f"127.0.0.1:{dns_server.port}", port=None).is_success()


def test_authority_of_the_given_server(look, dns_server):
    assert look(check_authoritative=True).is_success()
    dns_server.authoritative = False
    result = look(check_authoritative=True)
    assert result.is_error()
    assert result.message == f"127.0.0.1:{dns_server.port} does not answer with authority (AA) for www.example.test"
    assert result.raw_data["authoritative"] is False


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Makes 127.0.0.1 the name server of this machine."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(dnsquery, "RESOLV_CONF", str(conf))


def test_servers_of_the_zone(look, dns_server, system):
    dns_server.add("example.test.", "NS", "ns1.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    result = look(nameserver=None, check_authoritative=True, expected_value=["192.0.2.1", "192.0.2.2"])
    assert result.is_success(), result.message
    assert result.raw_data["authoritative"] is True
    assert dns_server.queries[-1] == ("www.example.test.", "A", "udp", False)


def test_servers_of_the_zone_are_judged_like_the_answer(look, dns_server, system):
    dns_server.add("example.test.", "NS", "ns1.example.test.", "ns2.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    dns_server.add("ns2.example.test.", "A", "127.0.0.2")  # nothing listens there
    result = look(nameserver=None, check_authoritative=True, expected_value="192.0.2.1")
    assert result.is_error()
    assert "authoritative server ns1.example.test (127.0.0.1:" in result.message
    assert f"authoritative server ns2.example.test (127.0.0.2:{dns_server.port}): nothing listens" in result.message
    assert result.raw_data["authoritative"] is False


def test_servers_of_the_zone_know_where_an_alias_leads(look, dns_server, system):
    """An alias into another zone is all that they can say; the resolver has followed it."""
    dns_server.add("example.test.", "NS", "ns1.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")

    def react(query, transport):
        if query.question[0].name.to_text() != "alias.example.test." or query.question[0].rdtype != dns.rdatatype.A:
            return dns_server.answer(query).to_wire()
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        response.answer.append(dns.rrset.from_text("alias.example.test.", 60, "IN", "CNAME", "cdn.test."))
        if query.flags & dns.flags.RD:
            response.answer.append(dns.rrset.from_text("cdn.test.", 60, "IN", "A", "192.0.2.77"))
        return response.to_wire()

    dns_server.react = react
    result = look("alias.example.test", nameserver=None, check_authoritative=True, expected_value="192.0.2.77")
    assert result.is_success(), result.message


def test_name_server_without_an_address_is_a_lame_delegation(look, dns_server, system):
    dns_server.add("example.test.", "NS", "ns1.example.test.", "gone.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    result = look(nameserver=None, check_authoritative=True)
    assert result.is_error()
    expected = "name server gone.example.test of example.test has no address: its name has no A or AAAA record (NXDOMAIN)"
    assert result.message == expected
    assert look(nameserver=None, soa_serial_in_sync=True).message == expected
    del dns_server.zone["ns1.example.test.", "A"]
    assert look(nameserver=None, check_authoritative=True).raw_data["authoritative"] is False


def test_delegation_signer_is_a_matter_of_the_zone_above(look, dns_server, system):
    dns_server.add("example.test.", "NS", "ns1.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    dns_server.add("sub.example.test.", "SOA", "a.test. b.test. 1 2 3 4 5")
    dns_server.add("sub.example.test.", "DS", "12345 13 2 " + "ab" * 32)
    result = look("sub.example.test", "DS", nameserver=None, check_authoritative=True)
    assert result.is_success(), result.message
    assert ("example.test.", "SOA", "udp", True) in dns_server.queries


def test_servers_of_the_zone_without_authority(look, dns_server, system):
    dns_server.authoritative = False
    dns_server.add("example.test.", "NS", "ns1.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    result = look(nameserver=None, check_authoritative=True)
    assert result.is_error()
    assert "does not answer with authority (AA)" in result.message


def test_null_is_as_good_as_absent(dns_server, system):
    dns_server.add("www.example.test.", "A", "192.0.2.1")
    config = {"domain": "www.example.test", "record_type": "A", "nameserver": None, "expected_value": None, "port": dns_server.port}
    assert run_check("dns_record", config).raw_data["nameserver"] == f"127.0.0.1:{dns_server.port}"


def test_no_servers_of_the_zone(look, dns_server, system):
    result = look(nameserver=None, check_authoritative=True)
    assert result.is_error()
    assert "knows no name servers of example.test" in result.message
    del dns_server.zone["example.test.", "SOA"]
    assert "knows no zone that holds www.example.test" in look(nameserver=None, check_authoritative=True).message


@pytest.fixture
def second(dns_server, helper):
    """Another name server of the same zone, on the same port of 127.0.0.2; it has serial 7, as the first."""
    servers = helper("servers_dns")
    dns_server.add("example.test.", "NS", "ns1.example.test.", "ns2.example.test.")
    dns_server.add("ns1.example.test.", "A", "127.0.0.1")
    dns_server.add("ns2.example.test.", "A", "127.0.0.2")
    with servers.running(servers.DnsServer(), "127.0.0.2", dns_server.port) as server:
        server.add("example.test.", "SOA", SOA.format(7))
        yield server


def test_serials_in_sync(look, dns_server, second):
    result = look(soa_serial_in_sync=True)
    assert result.is_success(), result.message
    ns1, ns2 = (f"ns{n}.example.test (127.0.0.{n}:{dns_server.port})" for n in (1, 2))
    assert result.raw_data["soa_serials"] == {ns1: 7, ns2: 7}
    assert second.queries == [("example.test.", "SOA", "udp", False)]


def test_serial_that_lags(look, dns_server, second):
    second.add("example.test.", "SOA", SOA.format(4294967295))
    result = look(soa_serial_in_sync=True)
    assert result.is_error()
    ns1, ns2 = (f"ns{n}.example.test (127.0.0.{n}:{dns_server.port})" for n in (1, 2))
    assert result.message == f"{ns2} has serial 4294967295 of example.test, 8 behind 7 of {ns1}"
    assert result.failures[0].path == "soa_serials"


@pytest.mark.parametrize(
    "fault, message",
    [
        ("lame", "it does not serve example.test: it answers without authority (AA)"),
        ("refusing", "it does not serve example.test: it answers REFUSED"),
        ("silent", "no answer from 127.0.0.2:"),
    ],
)
def test_name_server_that_tells_no_serial_is_not_passed_over(look, dns_server, second, fault, message, ms):  # noqa: PLR0917 - fixtures
    if fault == "lame":
        second.authoritative = False
    elif fault == "refusing":
        second.rcodes["example.test."] = "REFUSED"
    else:
        second.react = lambda query, transport: None
    result = look(soa_serial_in_sync=True, timeout=500 * ms)
    assert result.is_error()
    assert result.message.startswith(f"no serial from ns2.example.test (127.0.0.2:{dns_server.port}): {message}")
    assert result.raw_data["soa_serials"][f"ns2.example.test (127.0.0.2:{dns_server.port})"] is None
    assert result.fault == "target"


def test_serial_of_a_name_server_without_address(look, dns_server, second):
    del dns_server.zone["ns2.example.test.", "A"]
    result = look(soa_serial_in_sync=True)
    assert result.is_error()
    assert result.raw_data["soa_serials"]["ns2.example.test (no address)"] is None


def test_serials_of_no_zone(look, dns_server):
    del dns_server.zone["example.test.", "SOA"]
    result = look(soa_serial_in_sync=True)
    assert result.is_error()
    assert result.fault == "target"
    assert "the name servers of the zone: 127.0.0.1:" in result.message
    assert result.raw_data["values"] == ["192.0.2.1", "192.0.2.2"]


def test_this_machine_is_to_blame_for_what_it_cannot_reach(look, second, monkeypatch):
    def unreachable(zone, server, question):
        raise NetError("this machine has no route to it", phase="connect", kind="environment", fault="environment")

    monkeypatch.setattr(sys.modules["monitorpy.plugins.dns_record"], "soa_serial", unreachable)
    result = look(soa_serial_in_sync=True)
    assert (result.fault, result.kind) == ("environment", "environment")
    assert "this machine has no route to it (ip_family: ipv4 or ipv6 asks the addresses of one family only)" in result.message
    assert look(soa_serial_in_sync=True, expected_value="192.0.2.9").fault == "target"


def test_negative_assertion_holds_for_every_record(look):
    """Not only for some record: Uptime Kuma's "value is not" is true as soon as one differs."""
    assert look(expected_value="192.0.2.1", match="excludes").is_error()
    assert look(expected_value="192.0.2.2", match="excludes").is_error()


def test_every_record_counts_not_only_the_last(look, dns_server):
    """Gatus compares with the last record of the answer."""
    for values in (["192.0.2.1", "192.0.2.66"], ["192.0.2.66", "192.0.2.1"]):
        dns_server.add("www.example.test.", "A", *values)
        assert look(expected_value="192.0.2.1").is_error()
        assert look(expected_value="192.0.2.66", match="excludes").is_error()


def test_one_match_of_several_is_not_all(look):
    """check_dns is content with any address; blackbox_exporter's fail_if_all_match is inverted."""
    assert look(expected_value=["192.0.2.1", "192.0.2.9"], match="contains").is_error()
    assert look(expected_value=["192.0.2.1"]).is_error()


@pytest.mark.parametrize("match", ["exact", "contains", "excludes"])
def test_no_records_satisfy_no_expectation(look, match):
    """blackbox_exporter passes a probe without records where a regex must not match."""
    for domain in ("txt.example.test", "gone.example.test"):
        result = look(domain, "TXT", expected_value="evil", match=match)
        assert result.is_error()
        assert "expected NOERROR" in result.message


def test_a_referral_proves_nothing(look, dns_server):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "ns.test."))
        return response.to_wire()

    dns_server.react = react
    result = look(rcode="NODATA")
    assert result.is_error()
    assert "expected NODATA, got REFERRAL" in result.message


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"])
def test_any_rcode_may_be_expected(look, dns_server, rcode):
    dns_server.rcodes["www.example.test."] = rcode
    assert look(rcode=rcode).is_success()
    assert look(rcode="NXDOMAIN").is_error()


@pytest.fixture
def secure(look, dns_server, lab_certificates):
    """Runs dns_record over TLS against the server, which has a certificate of the lab's authority."""
    dns_server.tls = lab_certificates.good.context
    trusting = {"transport": "tls", "ca_file": str(lab_certificates.ca_file)}
    return lambda **config: look(**trusting | config)


def test_over_tls(secure):
    result = secure()
    assert result.is_success(), result.message
    assert result.raw_data["transport"] == "tls"
    assert result.phases["tls"] > 0
    assert result.phases["first_byte"] > 0


def test_over_https(lab_certificates, monkeypatch):
    config = {"domain": "mail.lab.test", "record_type": "A", "transport": "https", "ca_file": str(lab_certificates.ca_file), "timeout": 5}
    with DnsServer() as server, server.over_https(lab_certificates.good.context) as door:
        url = f"https://127.0.0.1:{door.port}/dns-query"
        for named in ({"nameserver": "127.0.0.1", "port": door.port}, {"nameserver": url}):
            result = run_check("dns_record", config | named)
            assert result.is_success(), result.message
            assert (result.raw_data["transport"], result.raw_data["nameserver"]) == ("https", url)
            assert result.raw_data["values"] == ["192.0.2.25"]
            assert None not in result.phases.values()
        spread = run_check("dns_record", config | {"nameserver": url, "check_propagation": True, "resolvers": [url]})
        assert spread.raw_data["propagation"]["percent"] == 100
        wrong = run_check("dns_record", config | {"nameserver": "127.0.0.1", "port": door.port, "doh_path": "/elsewhere"})
        assert wrong.message.endswith(", asked for /elsewhere over HTTPS, answers with status 404, not 200")
        monkeypatch.setattr(dnsquery, "system_servers", lambda port: [dnsquery.Server("127.0.0.1", port)])
        assert run_check("dns_record", config | {"port": door.port}).raw_data["nameserver"] == url


def test_certificate_that_is_not_for_the_name_server(secure, dns_server, lab_certificates):
    result = secure(server_name="dns.example.org")
    assert (result.status, result.kind) == ("error", "tls")
    assert "wrong host: not valid for 'dns.example.org'" in result.message
    assert secure(nameserver="localhost", ip_family="ipv4").is_success()
    dns_server.tls = lab_certificates.expired.context
    assert "expired 3.0 days ago" in secure().message
    assert secure(verify_ssl=False).is_success()
    assert "not trusted" in secure(ca_file=None, trust="certifi").message


def test_resolvers_go_by_their_own_names(secure, dns_server, lab_certificates):
    """server_name is the nameserver's: the same server as a resolver must have its own address in the certificate."""
    dns_server.tls = lab_certificates.issue("named", ["localhost"]).context
    result = secure(server_name="localhost", check_propagation=True, resolvers=[f"127.0.0.1:{dns_server.port}"])
    assert result.message.startswith("propagated to 0 % of the resolvers")
    assert "wrong host" in result.message
    assert secure(
        server_name="localhost", check_propagation=True, resolvers=[f"localhost:{dns_server.port}"], ip_family="ipv4"
    ).is_success()


def test_name_servers_of_the_zone_are_asked_over_udp_where_resolvers_speak_tls(secure, dns_server, second, monkeypatch):
    plugin = sys.modules["monitorpy.plugins.dns_record"]
    monkeypatch.setattr(plugin, "PORTS", plugin.PORTS | {"udp": dns_server.port})
    result = secure(soa_serial_in_sync=True)
    assert result.is_success(), result.message
    assert second.queries == [("example.test.", "SOA", "udp", False)]


def test_name_servers_of_the_zone_over_tcp(look, second):
    assert look(soa_serial_in_sync=True, transport="tcp").is_success()
    assert second.queries == [("example.test.", "SOA", "tcp", False)]


def test_ports_of_the_transports():
    config = registry.get("dns_record").Config
    ports = {way: config(domain="a.test", record_type="A", transport=way).default_port() for way in ("udp", "tcp", "tls", "https")}
    assert ports == {"udp": 53, "tcp": 53, "tls": 853, "https": 443}


def test_propagation(look, dns_server, helper):
    other = helper("servers_dns")
    with other.running(other.DnsServer()) as stale:
        stale.add("www.example.test.", "A", "192.0.2.9")
        good, bad, dead = f"127.0.0.1:{dns_server.port}", f"127.0.0.1:{stale.port}", "127.0.0.1:1"
        everywhere = look(check_propagation=True, resolvers=[good, good])
        assert everywhere.is_success(), everywhere.message
        assert everywhere.raw_data["propagation"]["percent"] == 100

        result = look(check_propagation=True, resolvers=[good, good, bad, dead])
        assert result.is_error()
        assert result.message.startswith("propagated to 50 % of the resolvers (2 of 4), expected 80 % (127.0.0.1:")
        assert f"{bad}: 192.0.2.9" in result.message
        rows = result.raw_data["propagation"]["resolvers"]
        assert [row["ok"] for row in rows] == [True, True, False, False]
        assert rows[0] == {"resolver": good, "ok": True, "rcode": "NOERROR", "values": ["192.0.2.1", "192.0.2.2"], "error": None}
        assert "nothing listens" in rows[3]["error"]
        assert look(check_propagation=True, resolvers=[good, bad], propagation_threshold=50).is_success()

        expecting = look(check_propagation=True, resolvers=[good, bad], expected_value="192.0.2.9", match="excludes")
        assert [row["ok"] for row in expecting.raw_data["propagation"]["resolvers"]] == [True, False]

        stale.rcodes["www.example.test."] = "NXDOMAIN"
        gone = look(check_propagation=True, resolvers=[good, bad])
        assert f"{bad}: NXDOMAIN" in gone.message


def test_silent_resolver_leaves_time_for_the_verdict(look, dns_server, helper, ms):
    other = helper("servers_dns")
    with other.running(other.DnsServer()) as silent:
        silent.react = lambda query, transport: None
        result = look(check_propagation=True, resolvers=[f"127.0.0.1:{silent.port}"], timeout=300 * ms)
    assert result.is_error()
    assert "propagated to 0 %" in result.message
    assert result.raw_data["values"] == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize(
    "config, message",
    [
        ({"record_type": "NOPE"}, "record_type: must be a DNS record type such as A or MX, not 'NOPE'"),
        ({"record_type": "ANY"}, "record_type: ANY asks for no records of its own; give the type of record to look for"),
        ({"record_type": "TYPE99999"}, "record_type: must be a DNS record type such as A or MX, not 'TYPE99999'"),
        ({"domain": ""}, "domain: must not be empty"),
        ({"domain": "a" * 64 + ".test"}, "is no domain name: A DNS label is > 63 octets long."),
        ({"domain": "a..b"}, "'a..b' is no domain name: "),
        ({"subdomain": ".".join(["a" * 60] * 5)}, "is no domain name: A DNS name is > 255 octets long."),
        ({"expected_value": "999.0.2.1"}, "expected_value: '999.0.2.1' is no A record"),
        ({"expected_value": []}, "must not be empty"),
        ({"record_type": "MX", "expected_value": "mail.example.test"}, "expected_value: 'mail.example.test' is no MX record"),
        ({"record_type": "TXT", "expected_value": '"open'}, "is no TXT record"),
        ({"record_type": "NOPE", "expected_value": "1"}, "record_type: must be"),
        ({"match": "contains"}, "match needs an expected_value to compare with"),
        ({"match": "contain"}, "did you mean 'contains'?"),
        ({"rcode": "NXDOMAIN", "expected_value": "192.0.2.1"}, "expected_value and ttl need records, and rcode NXDOMAIN has none"),
        ({"rcode": "NODATA", "ttl": 5}, "expected_value and ttl need records, and rcode NODATA has none"),
        ({"resolvers": ["192.0.2.1"]}, "resolvers without check_propagation: true would not be looked at"),
        ({"propagation_threshold": 50.0, "resolvers": ["::1"]}, "propagation_threshold and resolvers without check_propagation"),
        ({"check_propagation": True, "resolvers": []}, "resolvers: must not be empty"),
        (
            {"check_propagation": True, "resolvers": ["a:b"]},
            "must be an address, address:port, [IPv6]:port or https://address/path, not 'a:b'",
        ),
        ({"nameserver": "127.0.0.1:99999"}, "nameserver: must be an address, address:port, [IPv6]:port or https://address/path"),
        ({"expected_value": ["192.0.2.1", "192.0.2.1"]}, "'192.0.2.1' is the same record as another of the list (192.0.2.1)"),
        ({"server_name": "a.test"}, "server_name without transport: tls or https would not be looked at"),
        ({"nameserver": "https://a.test/"}, "https://a.test/ needs transport: https"),
        ({"check_propagation": True, "resolvers": ["https://a.test/"]}, "https://a.test/ needs transport: https"),
        ({"doh_path": "/q", "transport": "tls"}, "doh_path needs transport: https"),
        (
            {"doh_path": "/q", "transport": "https", "nameserver": "https://a.test/"},
            "doh_path would not be looked at: the nameserver is a URL",
        ),
        ({"doh_path": "q", "transport": "https"}, "doh_path: must be the path of a URL, such as /dns-query, not 'q'"),
        ({"dnssec": True}, "unknown key 'dnssec'"),
        ({"trust_anchor": ANCHOR}, "trust_anchor without check_dnssec: true would not be looked at"),
        ({"trust_anchor": ANCHOR, "check_dnssec": True}, "the trust anchor is for signed.test, which is not at or above example.test"),
        ({"trust_anchor": ["garbage"], "check_dnssec": True}, "trust_anchor: 'garbage' is no DNSKEY or DS record as in a zone file"),
        ({"trust_anchor": [], "check_dnssec": True}, "trust_anchor: "),
        ({"check_dnssec": True, "rcode": "SERVFAIL"}, "check_dnssec needs something that is signed: rcode SERVFAIL is no answer"),
        ({"check_dnssec": True, "record_type": "RRSIG"}, "check_dnssec needs something that is signed: RRSIG records are signatures"),
        ({"transport": "quic"}, "transport: must be 'udp', 'tcp', 'tls' or 'https'"),
    ],
)
def test_refused_configs(config, message):
    result = run_check("dns_record", {"domain": "example.test", "record_type": "A"} | config)
    assert result.fault == "config", result
    assert message in result.message


def test_where_it_talks_to():
    cls = registry.get("dns_record")
    assert cls({"domain": "a.test", "record_type": "A"}).get_host() is None
    assert cls({"domain": "a.test", "record_type": "A", "nameserver": "[::1]:53"}).get_host() == "::1"
    assert cls({"nameserver": "a:b"}).get_host() is None
    assert cls({"nameserver": "https://dns.test/q"}).get_host() == "dns.test"
    assert cls.pins_address
    assert cls.cli_name == "dns"
    assert cls.get_required_config() == ["domain", "record_type"]


def test_pinned_address_of_a_nameserver_given_by_name(look, dns_server):
    config = {"domain": "www.example.test", "record_type": "A", "nameserver": "ns.invalid", "port": dns_server.port, "timeout": 2}
    assert run_check("dns_record", config, address="127.0.0.1").is_success()


def test_every_address_of_the_name_server():
    plugin = registry.get("dns_record")({"domain": "a.test", "record_type": "A", "nameserver": "localhost:5353", "ip_family": "ipv4"})
    assert [(place.host, place.address) for place in plugin.endpoints()] == [("localhost", "127.0.0.1")]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silent_server(look, dns_server, transport, ms):
    dns_server.react = lambda query, transport: None
    started = time.monotonic()
    result = look(transport=transport, timeout=200 * ms)
    assert result.is_error()
    assert result.kind == "timeout"
    assert f"within {200 * ms:g} s" in result.message
    assert time.monotonic() - started < 200 * ms + 1


@pytest.fixture(scope="session")
def signed_zones(dnssec):
    """test., and below it signed.test. and unsigned.test.; signed as of now."""
    validity = {"begins": datetime.now(UTC) - dnssec.DAY, "ends": datetime.now(UTC) + dnssec.DAY}
    text = "www A 192.0.2.1\nwww A 192.0.2.2\nshop CNAME www\nbig TXT " + f'"{"x" * 250}" ' * 6
    signed = dnssec.Zone("signed.test.", text, keys=[dnssec.key(), dnssec.key(flags=dnssec.ZSK)], **validity)
    unsigned = dnssec.Zone("unsigned.test.", "www A 192.0.2.3\n")
    test = dnssec.Zone("test.", keys=[dnssec.key(number=1)], **validity)
    return [test.delegate(signed).delegate(unsigned), signed, unsigned]


@pytest.fixture
def secured(dnssec, signed_zones, dns_server):
    """Runs dns_record with check_dnssec against a resolver of the signed zones; ``secured.world`` may be tampered with."""
    world = dnssec.World(*(zone.copy() for zone in signed_zones))
    dns_server.react = world.react

    def run(domain="www.signed.test", record_type="A", **config):
        base = {
            "nameserver": "127.0.0.1",
            "port": dns_server.port,
            "timeout": 5,
            "check_dnssec": True,
            "trust_anchor": world.zones[0].anchor(),
        }
        return run_check("dns_record", base | {"domain": domain, "record_type": record_type} | config)

    run.world = world
    return run


def test_secure(secured):
    result = secured(expected_value=["192.0.2.1", "192.0.2.2"])
    assert result.is_success(), result.message
    assert result.message == "www.signed.test A: 192.0.2.1, 192.0.2.2 (ttl 300 s), secure (DNSSEC)"
    assert result.raw_data["dnssec"] == {"status": "secure", "reason": "signed by signed.test; trusted from the anchor of test down"}


def test_each_question_of_dnssec_goes_to_the_same_server_with_its_flags(secured, dns_server):
    seen = []
    answer = secured.world.react
    dns_server.react = lambda query, transport: seen.append((query.ednsflags, query.flags, transport)) or answer(query, transport)
    assert secured().is_success()
    assert len(seen) == len(secured.world.asked) == 4
    assert all(ednsflags & dns.flags.DO and flags & dns.flags.CD for ednsflags, flags, _ in seen)
    seen.clear()
    assert secured(transport="tcp").is_success()
    assert {transport for *_, transport in seen} == {"tcp"}


def test_without_check_dnssec_nothing_is_asked(secured, dns_server):
    result = secured(check_dnssec=False, trust_anchor=None)
    assert result.is_success()
    assert result.raw_data["dnssec"] is None
    assert len(secured.world.asked) == 1


@pytest.mark.parametrize("form", ["DS", "list", "of the zone itself"])
def test_trust_anchors(secured, form):
    test, signed = secured.world.zones[:2]
    anchor = {
        "DS": test.anchor(as_ds=True),
        "list": ["other. " + ANCHOR.split(" ", 1)[1], test.anchor()],
        "of the zone itself": signed.anchor(),
    }
    assert secured(trust_anchor=anchor[form]).is_success()


@pytest.mark.parametrize("domain, record_type, rcode", [("nx.signed.test", "A", "NXDOMAIN"), ("www.signed.test", "TXT", "NODATA")])
def test_a_proof_that_there_is_nothing(secured, dnssec, domain, record_type, rcode):
    assert secured(domain, record_type, rcode=rcode).message == f"{domain} {record_type}: {rcode}, as expected, secure (DNSSEC)"
    secured.world.tamper.append(dnssec.without("NSEC"))
    result = secured(domain, record_type, rcode=rcode)
    assert result.is_error()
    assert "bogus (DNSSEC): the proof that " in result.message


def test_large_answers_and_aliases(secured):
    assert secured("big.signed.test", "TXT").raw_data["transport"] == "tcp"
    assert secured("shop.signed.test").is_success()


def test_insecure(secured):
    result = secured("www.unsigned.test")
    reason = "unsigned.test is not signed: test proves that there is no DS"
    assert result.is_error()
    assert (result.fault, result.message) == ("target", f"insecure (DNSSEC): {reason}")
    assert result.raw_data["dnssec"] == {"status": "insecure", "reason": reason}
    (failure,) = result.failures
    assert (failure.path, failure.expected, failure.actual) == ("dnssec.status", "secure", "insecure")


def test_bogus(secured, dnssec):
    signed = secured.world.zones[1]
    signed.resign("www.signed.test.", "A", ends=datetime.now(UTC) - dnssec.DAY * 3.2)
    result = secured(expected_value="192.0.2.9")
    assert [failure.path for failure in result.failures] == ["values", "dnssec.status"]
    tag = signed.keys[1].tag
    assert f"bogus (DNSSEC): the signature of www.signed.test A by key {tag} (ECDSAP256SHA256) expired 3.2 days ago" in result.message
    signed.add("www.signed.test.", "A", "192.0.2.66")
    signed.resign("www.signed.test.", "A", keys=[dnssec.key(number=9)])
    assert "is by none of the keys of signed.test" in secured(expected_value="192.0.2.66").message


def test_no_answer_is_not_judged(secured):
    """The response code says it all."""
    secured.world.tamper.append(lambda message: message.set_rcode(dns.rcode.SERVFAIL))
    result = secured()
    assert [failure.path for failure in result.failures] == ["rcode"]
    assert result.raw_data["dnssec"] is None


def test_the_keys_of_the_root_by_default(secured):
    """Of which this server has none."""
    result = secured(trust_anchor=None)
    server = result.raw_data["nameserver"]
    assert result.message == f"bogus (DNSSEC): the DNSKEY records of . could not be had: REFUSED from {server}"


def test_a_server_that_falls_silent_on_the_way(secured, dns_server, ms):
    answer = secured.world.react
    dns_server.react = lambda query, transport: answer(query, transport) if query.question[0].rdtype == dns.rdatatype.A else None
    started = time.monotonic()
    result = secured(timeout=300 * ms)
    assert result.raw_data["dnssec"]["reason"].startswith("the DNSKEY records of test could not be had: no answer from ")
    assert time.monotonic() - started < 300 * ms + 1
