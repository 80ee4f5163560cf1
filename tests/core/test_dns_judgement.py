from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from monitorpy.core.dns_judgement import Wanted, propagation_failures, serial_failures, success_message
from monitorpy.core.ranges import Threshold
from monitorpy.errors import NetError
from monitorpy.net.dnsquery import Answer, Server
from monitorpy.net.dnsvalues import parse_values

NAME = dns.name.from_text("www.example.test")
A = dns.rdatatype.A


def answer(*values, rcode="NOERROR", aliases=(), authoritative=True, referral=False, ttl=300):
    """An answer with these A records."""
    message = dns.message.make_response(dns.message.make_query(NAME, A))
    message.flags |= dns.flags.AA if authoritative else 0
    message.set_rcode(dns.rcode.from_text(rcode))
    if referral:
        message.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "ns.test."))
    records = tuple(dns.rrset.from_text(NAME, ttl, "IN", A, *values)) if values else ()
    names = tuple(map(dns.name.from_text, aliases))
    return Answer(NAME, A, Server("192.0.2.53"), "udp", rcode, authoritative, names, records, ttl if records else None, 0.1, message)


def wanted(*values, rcode="NOERROR", match="exact", ttl=None):
    return Wanted(rcode, parse_values(A, list(values)), match, Threshold.parse(ttl) if ttl else None)


def told(failures):
    return [str(failure) for failure in failures]


def test_all_well():
    assert told(wanted("192.0.2.1", ttl="60:300").failures(answer("192.0.2.1"))) == []
    assert told(wanted().failures(answer("192.0.2.1"))) == []
    assert told(wanted(rcode="NXDOMAIN").failures(answer(rcode="NXDOMAIN"))) == []


@pytest.mark.parametrize(
    "got, message",
    [
        (answer(rcode="NXDOMAIN"), "expected NOERROR, got NXDOMAIN from 192.0.2.53: www.example.test does not exist"),
        (answer(), "expected NOERROR, got NODATA from 192.0.2.53: www.example.test exists but has no A records"),
        (answer(rcode="SERVFAIL"), "expected NOERROR, got SERVFAIL from 192.0.2.53: 192.0.2.53 has no answer for www.example.test"),
        (
            answer(authoritative=False, referral=True),
            "expected NOERROR, got REFERRAL from 192.0.2.53: it only names other servers to ask for www.example.test",
        ),
        (
            answer(rcode="NXDOMAIN", aliases=["cdn.test."]),
            "expected NOERROR, got NXDOMAIN from 192.0.2.53: cdn.test does not exist (www.example.test is an alias of it)",
        ),
    ],
)
def test_another_rcode_is_the_only_failure(got, message):
    assert told(wanted("192.0.2.1", ttl="60:100").failures(got)) == [message]


def test_the_reason_that_the_server_gives_is_told():
    got = answer(rcode="SERVFAIL")
    got.message.use_edns(0, options=[dns.edns.EDEOption(7)])
    assert told(wanted().failures(got))[0].endswith("has no answer for www.example.test; it says: EDE 7 (Signature Expired)")


def test_records_where_none_are_expected():
    message = "expected NXDOMAIN, got NOERROR from 192.0.2.53: www.example.test has A records: 192.0.2.1"
    assert told(wanted(rcode="NXDOMAIN").failures(answer("192.0.2.1"))) == [message]


def test_records_beside_a_code_that_has_none():
    message = "192.0.2.53 answers NXDOMAIN, as expected, but with records: 192.0.2.1"
    assert told(wanted(rcode="NXDOMAIN").failures(answer("192.0.2.1", rcode="NXDOMAIN"))) == [message]


def test_a_referral_is_no_proof_that_there_is_nothing():
    assert len(told(wanted(rcode="NODATA").failures(answer(authoritative=False, referral=True)))) == 1


@pytest.mark.parametrize(
    "match, values, message",
    [
        ("exact", ["192.0.2.2", "192.0.2.1"], None),
        ("exact", ["192.0.2.1"], "expected exactly 192.0.2.1, got 192.0.2.1, 192.0.2.2 (unexpected 192.0.2.2)"),
        ("exact", ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "... (missing 192.0.2.3)"),
        ("exact", ["192.0.2.1", "192.0.2.9"], "... (missing 192.0.2.9, unexpected 192.0.2.2)"),
        ("contains", ["192.0.2.1"], None),
        (
            "contains",
            ["192.0.2.1", "192.0.2.9"],
            "expected 192.0.2.1, 192.0.2.9 among the values, missing 192.0.2.9, got 192.0.2.1, 192.0.2.2",
        ),
        ("excludes", ["192.0.2.9"], None),
        ("excludes", ["192.0.2.9", "192.0.2.1"], "unwanted 192.0.2.1 in 192.0.2.1, 192.0.2.2"),
    ],
)
def test_values(match, values, message):
    failures = list(wanted(*values, match=match).failures(answer("192.0.2.1", "192.0.2.2")))
    assert len(failures) == (message is not None)
    if message:
        assert str(failures[0]).endswith(message.removeprefix("..."))
        assert (failures[0].path, failures[0].actual) == ("values", ["192.0.2.1", "192.0.2.2"])


def test_values_and_ttl_are_both_told():
    failures = told(wanted("192.0.2.9", ttl="600:").failures(answer("192.0.2.1")))
    assert len(failures) == 2
    assert "ttl 300 s is below 600 s" in failures[1]


def authority(check, seen, found):
    return told(check.authority_failures(seen, "ns1.test (192.0.2.53)", found))


def test_a_name_server_is_judged_as_the_answer_is():
    good = answer("192.0.2.1")
    assert authority(wanted("192.0.2.1"), good, good) == []
    assert authority(wanted("192.0.2.1"), good, answer("192.0.2.9")) == [
        "authoritative server ns1.test (192.0.2.53): expected exactly 192.0.2.1, got 192.0.2.9 (missing 192.0.2.1, unexpected 192.0.2.9)"
    ]
    assert authority(wanted(), good, answer("192.0.2.1", authoritative=False)) == [
        "ns1.test (192.0.2.53) does not answer with authority (AA)"
    ]


def test_a_name_server_need_not_follow_an_alias_out_of_its_zone():
    seen = answer("192.0.2.1", aliases=["cdn.test.", "cdn-eu.test."])
    check = wanted("192.0.2.1")
    assert authority(check, seen, answer(aliases=["cdn.test."])) == []
    assert authority(check, seen, answer(aliases=["old.test."])) == [
        "authoritative server ns1.test (192.0.2.53): alias of old.test, expected cdn.test -> cdn-eu.test"
    ]
    assert authority(check, answer("192.0.2.1"), answer(aliases=["old.test."])) == [
        "authoritative server ns1.test (192.0.2.53): alias of old.test, expected no alias"
    ]
    assert "does not exist" in authority(check, seen, answer(rcode="NXDOMAIN", aliases=["cdn.test."]))[0]


def test_resolver_rows():
    seen = answer("192.0.2.1", "192.0.2.2")
    assert wanted().resolver_row("r", answer("192.0.2.2", "192.0.2.1"), seen) == {
        "resolver": "r",
        "ok": True,
        "rcode": "NOERROR",
        "values": ["192.0.2.1", "192.0.2.2"],
        "error": None,
    }
    assert wanted().resolver_row("r", NetError("gone", phase="connect", kind="connect"), seen) == {
        "resolver": "r",
        "ok": False,
        "rcode": None,
        "values": [],
        "error": "gone",
    }


@pytest.mark.parametrize(
    "check, found, ok",
    [
        (wanted(), answer("192.0.2.1"), False),
        (wanted(), answer(), False),
        (wanted("192.0.2.1", match="contains"), answer("192.0.2.1", "192.0.2.9"), True),
        (wanted("192.0.2.1", match="excludes"), answer("192.0.2.1"), False),
        (wanted("192.0.2.1", match="excludes"), answer(rcode="SERVFAIL"), False),
        (wanted(rcode="NXDOMAIN"), answer(rcode="SERVFAIL"), False),
    ],
)
def test_resolver_is_ok(check, found, ok):
    assert check.resolver_row("r", found, answer("192.0.2.1", "192.0.2.2"))["ok"] is ok


def test_resolver_that_says_the_same_nothing():
    assert wanted(rcode="NXDOMAIN").resolver_row("r", answer(rcode="NXDOMAIN"), answer(rcode="NXDOMAIN"))["ok"] is True
    assert wanted(rcode="NXDOMAIN").resolver_row("r", answer(rcode="SERVFAIL"), answer(rcode="NXDOMAIN"))["ok"] is False


def test_propagation():
    rows = [
        {"resolver": "r1", "ok": True, "rcode": "NOERROR", "values": ["192.0.2.1"], "error": None},
        {"resolver": "r2", "ok": False, "rcode": "NOERROR", "values": ["192.0.2.9"], "error": None},
        {"resolver": "r3", "ok": False, "rcode": "NXDOMAIN", "values": [], "error": None},
        {"resolver": "r4", "ok": False, "rcode": None, "values": [], "error": "no answer"},
    ]
    assert told(propagation_failures(rows, 25.0, 25.0)) == []
    assert told(propagation_failures(rows, 25.0, 80.0)) == [
        "propagated to 25 % of the resolvers (1 of 4), expected 80 % (r2: 192.0.2.9; r3: NXDOMAIN; r4: no answer)"
    ]


def test_serials():
    assert told(serial_failures("example.test", {"ns1": 7, "ns2": 7})) == []
    assert told(serial_failures("example.test", {"ns1": 9, "ns2": 7, "ns3": 9, "ns4": None})) == [
        "ns2 has serial 7 of example.test, 2 behind 9 of ns1, ns3"
    ]
    assert told(serial_failures("example.test", {"ns1": 0, "ns2": 4294967295})) == [
        "ns2 has serial 4294967295 of example.test, 1 behind 0 of ns1"
    ]
    assert told(serial_failures("example.test", {"ns1": None})) == []
    (failure,) = serial_failures("example.test", {"ns1": 9, "ns2": 7})
    assert (failure.path, failure.expected, failure.actual) == ("soa_serials", "9", 7)


def test_success_message():
    assert success_message(answer("192.0.2.2", "192.0.2.1")) == "www.example.test A: 192.0.2.1, 192.0.2.2 (ttl 300 s)"
    assert (
        success_message(answer("192.0.2.1", aliases=["a.test.", "b.test."]))
        == "www.example.test A (alias of b.test): 192.0.2.1 (ttl 300 s)"
    )
    assert success_message(answer(rcode="NXDOMAIN")) == "www.example.test A: NXDOMAIN, as expected"
    assert success_message(answer("192.0.2.1"), secure=True) == "www.example.test A: 192.0.2.1 (ttl 300 s), secure (DNSSEC)"
