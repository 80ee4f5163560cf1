from __future__ import annotations

import time

import pytest

from monitorpy.core.registry import registry, run_check
from monitorpy.net import dnsquery


@pytest.fixture
def look(dns_server):
    """Runs dns_record against the server."""
    dns_server.add("example.test.", "SOA", "ns1.example.test. hostmaster.example.test. 7 3600 600 86400 60")
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


@pytest.mark.parametrize(
    "rdtype, held, written",
    [
        ("MX", ["10 Mail.Example.test."], "10 mail.example.TEST"),
        ("AAAA", ["2001:db8::1"], "2001:0DB8:0:0::0001"),
        ("TXT", ['"v=spf1 -all"'], "v=spf1 -all"),
        ("TXT", ['"v=spf1 -all"'], '"v=spf1 -all"'),
        ("TXT", ['"v=DKIM1; p=abc" "def"'], "v=DKIM1; p=abcdef"),
        ("TXT", ['"say \\"hi\\" \\\\"'], 'say "hi" \\'),
        ("TXT", ['"gr\\195\\188n"'], "grün"),
        ("CAA", ['0 issue "letsencrypt.org"'], "0 issue letsencrypt.org"),
        ("SRV", ["0 5 5060 sip.example.test."], "0 5 5060 sip.example.test"),
        ("NS", ["ns1.example.test.", "ns2.example.test."], ["NS2.example.test.", "ns1.example.test"]),
        ("SOA", ["a.test. b.test. 1 2 3 4 5"], "a.test b.test 1 2 3 4 5"),
    ],
)
def test_values_are_compared_by_what_they_mean(look, dns_server, rdtype, held, written):
    dns_server.add("v.example.test.", rdtype, *held)
    assert look("v.example.test.", rdtype.lower(), expected_value=written).is_success()


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
        ({"check_propagation": True, "resolvers": ["a:b"]}, "must be an address, address:port, [IPv6]:port or https://address/path, not 'a:b'"),
        ({"nameserver": "127.0.0.1:99999"}, "nameserver: must be an address, address:port, [IPv6]:port or https://address/path"),
        ({"check_dnssec": True}, "unknown key 'check_dnssec'"),
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
    assert cls.pins_address
    assert cls.cli_name == "dns"
    assert cls.get_required_config() == ["domain", "record_type"]


def test_pinned_address_of_a_nameserver_given_by_name(look, dns_server):
    config = {"domain": "www.example.test", "record_type": "A", "nameserver": "ns.invalid", "port": dns_server.port, "timeout": 2}
    assert run_check("dns_record", config, address="127.0.0.1").is_success()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silent_server(look, dns_server, transport, ms):
    dns_server.react = lambda query, transport: None
    started = time.monotonic()
    result = look(transport=transport, timeout=200 * ms)
    assert result.is_error()
    assert result.kind == "timeout"
    assert f"within {200 * ms:g} s" in result.message
    assert time.monotonic() - started < 200 * ms + 1
