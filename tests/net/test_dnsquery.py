from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import Question, Server, look_up, look_up_any

NAME = dns.name.from_text("www.example.test")


@pytest.fixture(scope="module")
def servers():
    path = Path(__file__).parents[1] / "plugins" / "servers_dns.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_dns_for_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(servers):
    with servers.running(servers.DnsServer()) as running:
        running.add("www.example.test.", "A", "192.0.2.1")
        yield running


@pytest.fixture
def ask(server, ms):
    def run(*, seconds=2000 * ms, phases=None, rdtype="A", **more):
        question = Question(dns.rdatatype.from_text(rdtype), Deadline(seconds), **more)
        return look_up(NAME, Server("127.0.0.1", server.port), question, phases)

    return run


def filled(query, count=1):
    response = dns.message.make_response(query)
    response.answer.append(
        dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *[f"192.0.{2 + n // 256}.{n % 256}" for n in range(1, count + 1)])
    )
    return response


def test_answer(ask, server):
    phases = {}
    answer = ask(phases=phases)
    assert [r.to_text() for r in answer.records] == ["192.0.2.1"]
    assert (answer.transport, answer.rcode, answer.authoritative, answer.ttl) == ("udp", "NOERROR", True, 300)
    assert set(phases) == {"dns", "first_byte"}
    assert server.queries == [("www.example.test.", "A", "udp", True)]


def test_without_recursion(ask, server):
    ask(recurse=False)
    assert server.queries[0][3] is False


def test_with_signatures(ask, server):
    seen = []
    server.react = lambda query, transport: seen.append(query) or filled(query).to_wire()
    ask()
    ask(dnssec=True)
    assert [bool(query.flags & dns.flags.CD) for query in seen] == [False, True]
    assert [bool(query.ednsflags & dns.flags.DO) for query in seen] == [False, True]


def test_aliases_are_followed_within_and_across_answers(ask, server):
    def react(query, transport):
        response = dns.message.make_response(query)
        name = query.question[0].name.to_text()
        if name == "www.example.test.":
            response.flags |= dns.flags.AA
            response.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", "a.test."))
            response.answer.append(dns.rrset.from_text("a.test.", 20, "IN", "CNAME", "b.test."))
        else:
            response.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.7"))
        return response.to_wire()

    server.react = react
    answer = ask()
    assert [alias.to_text() for alias in answer.aliases] == ["a.test.", "b.test."]
    assert [r.to_text() for r in answer.records] == ["192.0.2.7"]
    assert answer.ttl == 20
    assert answer.authoritative is True
    assert [name for name, *_ in server.queries] == ["www.example.test.", "b.test."]


def test_alias_of_a_name_without_records(ask, server):
    server.zone.clear()
    server.add("www.example.test.", "CNAME", "a.test.")
    server.add("a.test.", "TXT", "x")
    answer = ask()
    assert (answer.rcode, answer.records, answer.ttl) == ("NOERROR", (), None)


def test_alias_loop(ask, server):
    server.zone.clear()
    server.add("www.example.test.", "CNAME", "a.test.")
    server.add("a.test.", "CNAME", "www.example.test.")
    with pytest.raises(NetError, match="more than 16 aliases") as caught:
        ask()
    assert caught.value.kind == "protocol"


def test_absolute_name():
    assert dnsquery.absolute_name("grün.test").to_text() == "xn--grn-ioa.test."
    with pytest.raises(ValueError, match=r"'a\.\.b' is no domain name: "):
        dnsquery.absolute_name("a..b")


def test_system_servers(tmp_path, monkeypatch):
    conf = tmp_path / "resolv.conf"
    monkeypatch.setattr(dnsquery, "RESOLV_CONF", str(conf))
    with pytest.raises(NetError, match="this machine has no name server") as caught:
        dnsquery.system_servers()
    assert caught.value.fault == "environment"
    conf.write_text("search example.test\n")
    with pytest.raises(NetError, match="this machine has no name server"):
        dnsquery.system_servers()
    conf.write_text("nameserver 192.0.2.1\nnameserver 2001:db8::1\n")
    assert dnsquery.system_servers() == [Server("192.0.2.1"), Server("2001:db8::1")]


def test_next_server_is_asked_when_one_gives_no_answer(servers, server, ms):
    with servers.running(servers.DnsServer()) as silent:
        silent.react = lambda query, transport: None
        chain = [Server("127.0.0.1", 1), Server("127.0.0.1", silent.port), Server("127.0.0.1", server.port)]
        answer = look_up_any(NAME, chain, Question(dns.rdatatype.A, Deadline(600 * ms)))
        assert answer.server.port == server.port


def test_wrong_answer_of_the_first_server_stands(server, ms):
    server.react = lambda query, transport: filled(query).to_wire()[:-3]
    chain = [Server("127.0.0.1", server.port), Server("127.0.0.1", 1)]
    with pytest.raises(NetError, match="malformed"):
        look_up_any(NAME, chain, Question(dns.rdatatype.A, Deadline(600 * ms)))


def test_in_parallel():
    error = NetError("no", phase="dns", kind="resolve")

    def bad():
        raise error

    assert dnsquery.in_parallel([lambda: 1, bad, lambda: 3]) == [1, error, 3]
    assert dnsquery.in_parallel([]) == []


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP"])
def test_old_server_is_asked_once_more_without_edns(ask, server, rcode):
    asked = []

    def react(query, transport):
        asked.append(query.edns)
        if query.edns < 0:
            return filled(query).to_wire()
        response = dns.message.Message(query.id)  # a header and nothing else, as such servers answer
        response.flags |= dns.flags.QR
        response.set_rcode(dns.rcode.from_text(rcode))
        return response.to_wire()

    server.react = react
    assert [r.to_text() for r in ask().records] == ["192.0.2.1"]
    assert asked == [0, -1]
    assert ask(dnssec=True).rcode == rcode
    assert asked == [0, -1, 0]


def test_formerr_that_stays(ask, server):
    server.rcodes["www.example.test."] = "FORMERR"
    assert ask().outcome == "FORMERR"
    assert len(server.queries) == 1  # it knows EDNS, so that is not why


def test_loss_is_not_hidden_by_a_second_packet(ask, server, ms):
    server.react = lambda query, transport: None
    with pytest.raises(NetError, match="no answer from"):
        ask(seconds=300 * ms)
    assert len(server.queries) == 1


def test_reason(ask, server):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.SERVFAIL)
        response.use_edns(0, options=[dns.edns.EDEOption(7, "insecure"), dns.edns.EDEOption(22)])
        return response.to_wire()

    assert ask().reason == ""
    server.react = react
    reason = ask().reason
    assert reason.startswith("EDE 7 (Signature Expired): in")
    assert reason.endswith("secure, EDE 22 (No Reachable Authority)")


def referral(query):
    response = dns.message.make_response(query)
    response.authority.append(dns.rrset.from_text("example.test.", 60, "IN", "NS", "ns1.example.test."))
    return response


def test_outcome(ask, server):
    assert ask().outcome == "NOERROR"
    assert ask(rdtype="TXT").outcome == "NODATA"
    server.rcodes["www.example.test."] = "SERVFAIL"
    assert ask().outcome == "SERVFAIL"


def test_a_referral_is_not_the_absence_of_data(ask, server):
    server.react = lambda query, transport: referral(query).to_wire()
    answer = ask()
    assert (answer.outcome, answer.rcode) == ("REFERRAL", "NOERROR")


def test_name_servers_beside_no_data_make_no_referral(ask, server):
    def react(query, transport):
        response = referral(query)
        response.authority.append(dns.rrset.from_text("example.test.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
        return response.to_wire()

    server.react = react
    assert ask().outcome == "NODATA"

    def with_authority(query, transport):
        response = referral(query)
        response.flags |= dns.flags.AA
        return response.to_wire()

    server.react = with_authority
    assert ask().outcome == "NODATA"


def test_without_recursion_the_alias_is_the_answer(ask, server):
    server.react = lambda query, transport: alias_of(query, "cdn.elsewhere.test.").to_wire()
    answer = ask(recurse=False)
    assert [alias.to_text() for alias in answer.aliases] == ["cdn.elsewhere.test."]
    assert (answer.records, answer.rcode) == ((), "NOERROR")


def alias_of(query, target):
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "CNAME", target))
    return response


def test_dname_with_the_alias_made_from_it(ask, server):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text("example.test.", 300, "IN", "DNAME", "example.net."))
        response.answer.append(dns.rrset.from_text("www.example.test.", 100, "IN", "CNAME", "www.example.net."))
        response.answer.append(dns.rrset.from_text("www.example.net.", 300, "IN", "A", "192.0.2.9"))
        return response.to_wire()

    server.react = react
    answer = ask()
    assert [r.to_text() for r in answer.records] == ["192.0.2.9"]
    assert ([alias.to_text() for alias in answer.aliases], answer.ttl) == (["www.example.net."], 100)


def test_records_of_other_names_and_classes_are_not_the_answer(ask, server):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text("other.example.test.", 300, "IN", "A", "192.0.2.66"))
        response.additional.append(dns.rrset.from_text("www.example.test.", 300, "IN", "A", "192.0.2.66"))
        return response.to_wire()

    server.react = react
    assert ask().outcome == "NODATA"


def test_name_in_other_letters(ask, server):
    def react(query, transport):
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text("WWW.Example.TEST.", 300, "IN", "A", "192.0.2.1"))
        return response.to_wire()

    server.react = react
    assert len(ask().records) == 1


def test_an_answer_of_many_records(ask, server):
    server.react = lambda query, transport: filled(query, 3000).to_wire(max_size=65535)
    assert len(ask(transport="tcp").records) == 3000


def test_over_https_the_number_of_the_query_is_0():
    """So that caches on the way know the same question again: RFC 8484, 4.1."""
    question = Question(dns.rdatatype.A, Deadline(1), "https")
    assert dnsquery._query(NAME, question).id == 0
    assert {dnsquery._query(NAME, replace(question, transport="tls")).id for _ in range(3)} != {0}
