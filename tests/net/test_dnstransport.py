from __future__ import annotations

import importlib.util
import random
import socket
import ssl
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
from monitorpy.lab.faults import JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.net import dnstransport
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnstransport import Question, Server, exchange
from monitorpy.net.tls import TlsSettings

NAME = dns.name.from_text("www.example.test")


@pytest.fixture(scope="module")
def servers():
    path = Path(__file__).parents[1] / "plugins" / "servers_dns.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_dns_for_transports", path)
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
    """Asks the server, or whoever listens at ``port``; gives the answer and how it came."""

    def run(*, port=None, host="127.0.0.1", seconds=2000 * ms, phases=None, **more):
        question = Question(dns.rdatatype.A, Deadline(seconds), **more)
        query = dns.message.make_query(NAME, "A", use_edns=0)
        return exchange(query, Server(host, server.port if port is None else port), question, {} if phases is None else phases)

    return run


@pytest.fixture
def secure(server, authority, ask):
    """Asks the server over TLS; it has a certificate of a CA that we trust."""
    server.tls = authority.context()
    trusting = TlsSettings(ca_file=authority.ca_file)
    return lambda **more: ask(**{"transport": "tls", "tls": trusting} | more)


def values(answer):
    message, _ = answer
    return [record.to_text() for record in message.answer[0]]


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
        ("fe80::1%eth0", "fe80::1%eth0", 53, "fe80::1%eth0"),
    ],
)
def test_server_parse(text, host, port, shown):
    assert Server.parse(text) == Server(host, port)
    assert str(Server.parse(text)) == shown


def test_server_parse_takes_another_port():
    assert Server.parse("192.0.2.1", 5353).port == 5353
    assert Server.parse("::1", 5353).port == 5353
    assert Server.parse("[::1]:53", 5353).port == 53


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a:b",
        "a:b:c",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1/24",
        "[::1",
        "[::1]:x",
        "[127.0.0.1:53, 127.0.0.2:53]",
        "http://192.0.2.1/dns-query",
        "https://",
        "https://user@dns.test/",
        "https://dns.test:0/",
        "https://dns.test:x/",
        "https://[::1/",
        "https://dns.test/a b",
        "https://dns.test/#there",
        "https://grün.test/",
    ],
)
def test_server_parse_refuses(text):
    with pytest.raises(ValueError, match="must be an address"):
        Server.parse(text)


@pytest.mark.parametrize(
    "text, host, port, path, shown",
    [
        ("https://dns.test", "dns.test", 443, "/dns-query", "https://dns.test/dns-query"),
        ("https://dns.test/q?key=1", "dns.test", 443, "/q?key=1", "https://dns.test/q?key=1"),
        ("https://[2001:db8::1]:8443/q", "2001:db8::1", 8443, "/q", "https://[2001:db8::1]:8443/q"),
    ],
)
def test_server_by_url(text, host, port, path, shown):
    assert Server.parse(text, 53) == Server(host, port, path)
    assert str(Server.parse(text)) == shown


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_answer(ask, transport):
    phases = {}
    answer = ask(transport=transport, phases=phases)
    assert (values(answer), answer[1]) == (["192.0.2.1"], transport)
    assert set(phases) == ({"dns", "first_byte"} if transport == "udp" else {"dns", "connect", "first_byte", "transfer"})


def test_truncated_answer_is_asked_for_over_tcp(ask, server):
    def react(query, transport):
        response = filled(query, 200 if transport == "tcp" else 1)
        if transport == "udp":
            response.flags |= dns.flags.TC
        return response.to_wire(max_size=65535)

    server.react = react
    phases = {}
    answer = ask(phases=phases)
    assert answer[1] == "tcp"
    assert len(values(answer)) == 200
    assert set(phases) == {"dns", "connect", "first_byte", "transfer"}


def test_truncated_in_the_middle_of_a_record(ask, server):
    def react(query, transport):
        response = filled(query, 3)
        if transport == "tcp":
            return response.to_wire()
        response.flags |= dns.flags.TC
        return response.to_wire()[:-5]

    server.react = react
    assert len(values(ask())) == 3


def test_truncated_although_not_over_udp_is_not_the_whole_answer(ask, server):
    def react(query, transport):
        response = filled(query)
        response.flags |= dns.flags.TC
        return response.to_wire()

    server.react = react
    with pytest.raises(NetError, match="truncates its answer, although it does not come over UDP") as caught:
        ask()
    assert caught.value.kind == "protocol"


def test_datagrams_that_answer_something_else_are_passed_over(ask, server):
    def react(query, transport):
        good = filled(query).to_wire()
        wrong_id = struct.pack("!H", query.id ^ 1) + good[2:]
        other = dns.message.make_query("other.test", "A", id=query.id)
        return [b"junk", wrong_id, filled(other).to_wire(), query.to_wire(), good]

    server.react = react
    assert values(ask()) == ["192.0.2.1"]


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
            dnstransport.parsed(bytes(damaged), Server("192.0.2.1"))
        except NetError as error:
            assert error.kind == "protocol"  # noqa: PT017 - both outcomes are fine


def test_names_that_point_at_themselves(ask, server):
    def react(query, transport):
        wire = bytearray(query.to_wire())
        wire[2] |= 0x80
        wire[7] = 1
        loop = struct.pack("!H", 0xC000 | len(wire))
        return bytes(wire[:-11]) + loop + b"\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" + bytes(wire[-11:])

    server.react = react
    with pytest.raises(NetError, match="malformed answer"):
        ask()


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
def test_nothing_listens(ask, transport):
    with pytest.raises(NetError, match=r"nothing listens at 127\.0\.0\.1:1 over UDP|refused") as caught:
        ask(port=1, transport=transport)
    assert caught.value.kind == "connect"


def test_other_trouble_with_the_socket_is_mapped(ask, ms):
    with pytest.raises(NetError) as caught:  # port 0: no datagram can go there
        ask(port=0, seconds=500 * ms)
    assert caught.value.phase in {"first_byte", "connect"}


def test_pinned_address(ask):
    assert values(ask(host="ns.invalid", address="127.0.0.1")) == ["192.0.2.1"]


def test_over_tls(secure):
    phases = {}
    answer = secure(phases=phases)
    assert (values(answer), answer[1]) == (["192.0.2.1"], "tls")
    assert set(phases) == {"dns", "connect", "tls", "first_byte", "transfer"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_must_be_for_the_server(secure, host):
    assert values(secure(host=host, family="ipv4")) == ["192.0.2.1"]
    assert values(secure(host=host, family="ipv4", server_name="localhost.")) == ["192.0.2.1"]
    with pytest.raises(NetError, match=r"wrong host: not valid for 'dns\.example' \(it is for localhost, 127\.0\.0\.1\)") as caught:
        secure(host=host, family="ipv4", server_name="dns.example")
    assert (caught.value.kind, caught.value.phase) == ("tls", "tls")


def test_certificate_for_a_name_is_not_one_for_the_address(secure, server, authority):
    server.tls = authority.context(names=("localhost",))
    with pytest.raises(NetError, match="wrong host"):
        secure()
    assert values(secure(server_name="localhost")) == ["192.0.2.1"]


def test_expired_certificate(secure, server, authority):
    server.tls = authority.context(ends=-3)
    with pytest.raises(NetError, match=r"certificate of 127\.0\.0\.1:\d+ is not valid: expired 3\.0 days ago"):
        secure()


def test_unknown_issuer_and_no_verification(secure):
    with pytest.raises(NetError, match="unknown issuer"):
        secure(tls=TlsSettings(trust="certifi"))
    assert values(secure(tls=TlsSettings(verify=False))) == ["192.0.2.1"]


def test_over_https(site, reply, authority, ms):
    query = dns.message.make_query(NAME, "A", id=0)
    page = reply(200, filled(query).to_wire(), "Content-Type: application/dns-message")
    server = site({"/dns-query": page}, authority.context())
    question = Question(dns.rdatatype.A, Deadline(5000 * ms), "https", tls=TlsSettings(ca_file=authority.ca_file))
    answer = exchange(query, Server("127.0.0.1", server.port, "/dns-query"), question, {})
    assert (values(answer), answer[1]) == (["192.0.2.1"], "https")


def test_server_that_asks_for_our_certificate(secure, server, authority, tmp_path):
    server.tls.verify_mode = ssl.CERT_REQUIRED
    server.tls.load_verify_locations(authority.ca_file)
    with pytest.raises(NetError, match=r"requires a client certificate|closed the connection|reset the connection"):
        secure()
    own = str(authority.write("client.pem", *authority.issue("client")))
    assert values(secure(tls=TlsSettings(ca_file=authority.ca_file, client_cert=own))) == ["192.0.2.1"]


def test_no_tls_there(ask, server):
    with JunkServer() as junk, pytest.raises(NetError, match="does not speak TLS here"):
        ask(port=junk.port, transport="tls")


def test_only_tls_there(secure, ms):
    with pytest.raises(NetError, match=r"closed the connection before the length of the answer|reset the connection"):
        secure(transport="tcp")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("bad", [SilentServer, TricklingServer, ResettingServer, JunkServer])
def test_servers_that_speak_no_dns(ask, bad, transport, ms):
    started = time.monotonic()
    with bad() as server, pytest.raises(NetError) as caught:
        ask(port=server.port, transport=transport, seconds=300 * ms)
    assert time.monotonic() - started < 300 * ms + 1
    assert f"127.0.0.1:{server.port}" in str(caught.value)


def trickle(server, ms):
    """Two bytes for a length of 60000 at once, then a byte every now and then."""

    def talk(sock):
        sock.sendall(struct.pack("!H", 60_000))
        while not server.ended.wait(20 * ms):
            sock.sendall(b"x")

    return talk


def half_close(server, ms):
    """No more data from this side, but the connection stays."""

    def talk(sock):
        sock.shutdown(socket.SHUT_WR)
        server.ended.wait()

    return talk


def break_off(server, ms):
    """Half an answer, then silence."""

    def talk(sock):
        sock.sendall(struct.pack("!H", 100) + b"x" * 50)
        server.ended.wait()

    return talk


def reset(server, ms):
    def talk(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    return talk


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize(
    "behaviour, kind, message",
    [
        (trickle, "timeout", r"the answer \(\d+ of 60000 bytes\) did not come from 127"),
        (half_close, "reset", "closed the connection before the length of the answer"),
        (break_off, "timeout", r"the answer \(50 of 100 bytes\) did not come from 127"),
        (reset, "reset", "127"),
    ],
)
def test_servers_that_misbehave_over_a_connection(secure, server, behaviour, kind, message, transport, ms):  # noqa: PLR0917 - fixtures
    talk = behaviour(server, ms)
    server.react = lambda query, how: talk
    if transport == "tcp":
        server.tls = None
    started = time.monotonic()
    with pytest.raises(NetError, match=message) as caught:
        secure(transport=transport, seconds=400 * ms)
    assert caught.value.kind == kind
    assert time.monotonic() - started < 400 * ms + 1
