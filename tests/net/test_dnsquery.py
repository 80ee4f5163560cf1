from __future__ import annotations

import importlib.util
import random
import struct
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.name
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
    response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *[f"192.0.2.{n}" for n in range(1, count + 1)]))
    return response


@pytest.mark.parametrize(
    "text, host, port, shown",
    [
        ("192.0.2.1", "192.0.2.1", 53, "192.0.2.1"),
        ("192.0.2.1:5353", "192.0.2.1", 5353, "192.0.2.1:5353"),
        ("ns1.example.test:5353", "ns1.example.test", 5353, "ns1.example.test:5353"),
        ("2001:db8::1", "2001:db8::1", 53, "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1", 53, "2001:db8::1"),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353, "[2001:db8::1]:5353"),
    ],
)
def test_server_parse(text, host, port, shown):
    assert Server.parse(text) == Server(host, port)
    assert str(Server.parse(text)) == shown


def test_server_parse_takes_another_port():
    assert Server.parse("192.0.2.1", 5353).port == 5353
    assert Server.parse("::1", 5353).port == 5353
    assert Server.parse("[::1]:53", 5353).port == 53


@pytest.mark.parametrize("text", ["", "a:b", "192.0.2.1:0", "192.0.2.1:65536", "[::1", "[::1]:x"])
def test_server_parse_refuses(text):
    with pytest.raises(ValueError, match="must be an address"):
        Server.parse(text)


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


def test_truncated_answer_is_asked_for_over_tcp(ask, server):
    def react(query, transport):
        response = filled(query, 200 if transport == "tcp" else 1)
        if transport == "udp":
            response.flags |= dns.flags.TC
        return response.to_wire(max_size=65535)

    server.react = react
    phases = {}
    answer = ask(phases=phases)
    assert answer.transport == "tcp"
    assert len(answer.records) == 200
    assert set(phases) == {"dns", "connect", "first_byte", "transfer"}


def test_datagrams_that_answer_something_else_are_passed_over(ask, server):
    def react(query, transport):
        good = filled(query).to_wire()
        wrong_id = struct.pack("!H", query.id ^ 1) + good[2:]
        other = dns.message.make_query("other.test", "A", id=query.id)
        return [b"junk", wrong_id, filled(other).to_wire(), query.to_wire(), good]

    server.react = react
    assert [r.to_text() for r in ask().records] == ["192.0.2.1"]


def test_only_datagrams_that_answer_something_else(ask, server, ms):
    server.react = lambda query, transport: [b"junk", b"more junk that is longer than a header"]
    with pytest.raises(NetError, match=r"no answer from .* over UDP \(2 datagrams that answer something else\) within") as caught:
        ask(seconds=200 * ms)
    assert (caught.value.kind, caught.value.phase) == ("timeout", "first_byte")


def test_never_ending_wrong_datagrams_do_not_outlive_the_deadline(ask, server, ms):
    server.react = lambda query, transport: [b"x" * 20] * 20_000
    started = time.monotonic()
    with pytest.raises(NetError, match="datagrams that answer something else"):
        ask(seconds=200 * ms)
    assert time.monotonic() - started < 200 * ms + 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_malformed_answer(ask, server, transport):
    server.react = lambda query, transport: filled(query).to_wire()[:-3]
    with pytest.raises(NetError, match="malformed answer from") as caught:
        ask(transport=transport)
    assert caught.value.kind == "protocol"


def test_every_damaged_answer_is_an_answer_or_a_net_error(servers):
    """What dnspython raises for damaged bytes is all mapped."""
    query = dns.message.make_query(NAME, "A", use_edns=0)
    response = filled(query, 5)
    response.use_edns(0)
    wire = response.to_wire()
    chance = random.Random(7)
    for _ in range(3000):
        damaged = bytearray(wire[: chance.randrange(12, len(wire) + 1)])
        for _ in range(chance.randrange(4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            dnsquery._parsed(bytes(damaged), Server("192.0.2.1"))
        except NetError as error:
            assert error.kind == "protocol"  # noqa: PT017 - both outcomes are fine


def test_tcp_answer_to_another_question(ask, server):
    server.react = lambda query, transport: filled(dns.message.make_query("other.test", "A", id=query.id)).to_wire()
    with pytest.raises(NetError, match="answers a question that was not asked"):
        ask(transport="tcp")


def test_tcp_connection_closed_in_the_middle(ask, server):
    server.react = lambda query, transport: [b"\0\x50abc"]
    with pytest.raises(NetError, match=r"closed the connection before the answer \(3 of 80 bytes\) came") as caught:
        ask(transport="tcp")
    assert caught.value.kind == "reset"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silence(ask, server, transport, ms):
    server.react = lambda query, transport: None
    started = time.monotonic()
    with pytest.raises(NetError) as caught:
        ask(transport=transport, seconds=150 * ms)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 150 * ms + 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_nothing_listens(transport, ms):
    question = Question(dns.rdatatype.A, Deadline(2000 * ms), transport)
    with pytest.raises(NetError, match=r"nothing listens at 127\.0\.0\.1:1 over UDP|refused") as caught:
        look_up(NAME, Server("127.0.0.1", 1), question)
    assert caught.value.kind == "connect"


def test_other_trouble_with_the_socket_is_mapped(ms):
    with pytest.raises(NetError) as caught:  # port 0: no datagram can go there
        look_up(NAME, Server("127.0.0.1", 0), Question(dns.rdatatype.A, Deadline(500 * ms)))
    assert caught.value.phase in {"first_byte", "connect"}


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
