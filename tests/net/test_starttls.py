"""Servers that know as much of their protocol as it takes to come to TLS; the answer that matters is the test's."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import LIMIT
from monitorpy.net.starttls import UPGRADES, start_tls
from monitorpy.net.tls import TlsSettings

STREAM = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
OFFER = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
LDAP_OK = bytes.fromhex("300c02010178070a010004000400")
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"

GOOD = {  # what the server says, and what it waits for in between: the end of what comes
    "smtp": [b"220 hello\r\n", b"\r\n", b"250-me\r\n250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go\r\n"],
    "imap": [b"* OK hello\r\n", b"m1 CAPABILITY\r\n", b"* CAPABILITY STARTTLS\r\nm1 OK\r\n", b"m2 STARTTLS\r\n", b"m2 OK go\r\n"],
    "pop3": [b"+OK hello\r\n", b"CAPA\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"STLS\r\n", b"+OK go\r\n"],
    "ftp": [b"220-two\r\n220two\r\n 220 lines\r\n220 ready\r\n", b"AUTH TLS\r\n", b"234 go\r\n"],
    "postgres": [b"", SSL_REQUEST, b"S"],
    "ldap": [b"", LDAP_REQUEST, LDAP_OK],
    "xmpp": [b"", b"streams'>", STREAM + OFFER, b"/>", PROCEED],
    "xmpp-server": [b"", b"streams'>", STREAM + OFFER, b"/>", PROCEED],
}
PROTOCOLS = sorted(GOOD)


@pytest.fixture
def ask(serve, authority, ms):
    """Runs a conversation with `start_tls`; what is said in pieces is a list of them; returns the TLS version."""

    def run(protocol, lines, *, seconds=5000 * ms, host="localhost", then=b""):
        secured = authority.context()

        def talk(sock, server):
            for index, line in enumerate(lines):
                if index % 2 == 0:
                    sock.sendall(line)
                    continue
                heard = b""
                while not heard.endswith(line):
                    if not (piece := sock.recv(1)):
                        return
                    heard += piece
                server.received.append(heard)
            sock.sendall(then)
            with suppress(ssl.SSLError), secured.wrap_socket(sock, server_side=True) as wrapped:
                wrapped.recv(1)

        run.server = serve(talk)
        with connect("127.0.0.1", run.server.port, Deadline(seconds), phases={}) as connection:
            start_tls(protocol, connection, TlsSettings(ca_file=authority.ca_file, check_hostname=False), host)
            return connection.tls.version()

    return run


@pytest.fixture
def refused(ask):
    def run(protocol, lines, **more):
        with pytest.raises(NetError) as caught:
            ask(protocol, lines, **more)
        assert caught.value.fault == "target"
        return caught.value

    return run


def test_every_protocol_has_its_port():
    assert {name: upgrade.port for name, upgrade in UPGRADES.items()} == {
        "smtp": 25,
        "imap": 143,
        "pop3": 110,
        "ftp": 21,
        "postgres": 5432,
        "ldap": 389,
        "xmpp": 5222,
        "xmpp-server": 5269,
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_handshake_follows_the_go_ahead(ask, protocol):
    assert ask(protocol, GOOD[protocol]) == "TLSv1.3"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_comes_in_clear_text_after_the_go_ahead_is_an_attack(refused, protocol):
    *before, go = GOOD[protocol]
    error = refused(protocol, [*before, go + b"forged\r\n"])
    assert str(error).endswith("sent data in clear text after it agreed to TLS")
    assert (error.phase, error.kind) == ("tls", "protocol")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_silence(refused, protocol, ms):
    error = refused(protocol, [b"", b"nothing"], seconds=150 * ms)
    assert error.kind == "timeout"
    assert "did not come from 127.0.0.1" in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_silence_in_place_of_the_go_ahead(refused, protocol, ms):
    error = refused(protocol, [*GOOD[protocol][:-1], b"", b"nothing"], seconds=300 * ms)
    assert error.kind == "timeout"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_trickling(serve, protocol, ms):
    def talk(sock, server):
        while not server.stopped.wait(5 * ms):
            sock.sendall(b"2")

    started = time.monotonic()
    with connect("127.0.0.1", serve(talk).port, Deadline(200 * ms), phases={}) as connection, pytest.raises(NetError):
        start_tls(protocol, connection, TlsSettings(verify=False), "localhost")
    assert time.monotonic() - started < 600 * ms


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_goes(refused, serve, protocol):
    def talk(sock, server):
        sock.shutdown(1)
        sock.recv(1000)

    server = serve(talk)
    with connect("127.0.0.1", server.port, Deadline(5), phases={}) as connection, pytest.raises(NetError) as caught:
        start_tls(protocol, connection, TlsSettings(verify=False), "localhost")
    assert caught.value.kind == "reset"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("junk", [b"\x00\xff\xfe?!\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"!" * 70_000])
def test_junk(refused, protocol, junk):
    error = refused(protocol, [junk, b"nothing"])
    assert error.kind == "protocol"
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "protocol, answer, said",
    [
        ("smtp", b"454 no TLS today\r\n", "454 no TLS today (temporary"),
        ("imap", b"m2 NO not here\r\n", "NO not here"),
        ("pop3", b"-ERR unknown\r\n", "-ERR unknown"),
        ("ftp", b"530-Please\r\n530 log in\r\n", "530-Please 530 log in"),
        ("ftp", b"334 go on\r\n", "334 go on"),
        ("ftp", b"502\r\n", "502"),
        ("postgres", b"N", "the server does not do TLS (answer N)"),
        ("postgres", b"E\0\0\0\x16SFATAL\0Mtoo many\0\0", "FATAL: too many"),
        ("postgres", b"E\0\0\0\x04", "ERROR: no reason given"),
        ("postgres", b"EFATAL:  unsupported frontend protocol\n\0", "FATAL:  unsupported frontend protocol"),
        ("ldap", bytes.fromhex("301402010178 0f0a010204000408") + b"no TLS!!", "protocol error (2): no TLS!!"),
        ("ldap", bytes.fromhex("308400000010020101788400000007 0a013504000400"), "unwilling to perform (53): no reason given"),
        ("ldap", bytes.fromhex("300c02010078070a015004000400"), "result (80): no reason given"),
        ("ldap", bytes.fromhex("300c02010078070a010004000400"), "result (0): no reason given"),
        ("xmpp", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>", "<failure xmlns="),
        ("xmpp", b"<stream:error><reset/></stream:error>", "<stream:error><reset/></stream:error>"),
    ],
)
def test_a_refusal_has_the_words_of_the_server(refused, protocol, answer, said):
    error = refused(protocol, [*GOOD[protocol][:-1], answer, b"nothing"])
    assert str(error).partition(" refuses STARTTLS: ")[2].startswith(said)
    assert (error.phase, error.kind) == ("tls", "protocol")


@pytest.mark.parametrize(
    "protocol, answer, said",
    [
        ("ftp", b"234-on\r\n" * 501, "sent 500 lines without an end for the answer to AUTH TLS"),
        ("postgres", b"X", "sent 'X' for the answer to SSLRequest"),
        ("ldap", b"\x31\x00!", r"sent '1\x00!' for the answer to StartTLS"),
        ("ldap", b"\x30\x80", "sent '' for the answer to StartTLS"),
        ("ldap", b"\x30\x84\x7f\xff\xff\xff", f"announced more than {LIMIT} bytes for the answer to StartTLS"),
        ("ldap", bytes.fromhex("300302010161"), "for the answer to StartTLS"),
        ("ldap", bytes.fromhex("300c02010178090a010004000400"), "for the answer to StartTLS"),
        ("ldap", bytes.fromhex("300c02010161070a010004000400"), "for the answer to StartTLS"),
        ("ldap", bytes.fromhex("300c02010278070a010004000400"), "for the answer to StartTLS"),
        ("xmpp", b"<!DOCTYPE lolz [<!ENTITY lol 'lol'>]>", "for the answer to STARTTLS"),
        ("xmpp", b"junk", "sent 'junk' for the answer to STARTTLS"),
    ],
)
def test_an_answer_that_is_none(refused, protocol, answer, said):
    error = refused(protocol, [*GOOD[protocol][:-1], answer, b"nothing"])
    assert said in str(error)
    assert error.kind == "protocol"


def test_ftp_that_is_not_ready_yet(ask, refused):
    assert ask("ftp", [b"120 in 2 minutes\r\n220 now\r\n", *GOOD["ftp"][1:]]) == "TLSv1.3"
    assert "refuses service: 421 too many users" in str(refused("ftp", [b"421 too many users\r\n", b"nothing"]))


def test_an_answer_before_the_question_is_none(refused):
    assert "sent '234 go\\r\\n' for nothing, before AUTH was asked" in str(refused("ftp", [b"220 hi\r\n234 go\r\n", b"nothing"]))
    error = refused("xmpp", [b"", b"streams'>", STREAM + OFFER + PROCEED, b"nothing"])
    assert "for nothing, before STARTTLS was asked" in str(error)


@pytest.mark.parametrize(
    "features, said",
    [
        (b"<stream:features/>", "it is not among the features of the stream"),
        (b"<features xmlns='http://etherx.jabber.org/streams'><sub/></features>", "it is not among the features of the stream"),
        (
            b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
            "the stream ends with host-unknown",
        ),
        (
            b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no</text></stream:error></stream:stream>",
            "the stream ends with host-unknown",
        ),
        (b"</stream:stream>", "it is not among the features of the stream"),
    ],
)
def test_xmpp_without_an_offer(refused, features, said):
    error = refused("xmpp", [b"", b"streams'>", STREAM + features, b"nothing"])
    assert str(error).endswith(f"refuses STARTTLS: {said}")


def test_xmpp_that_sends_a_bomb(refused):
    bomb = b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>]>"
    assert "for the features of the stream" in str(refused("xmpp", [b"", b"streams'>", bomb, b"nothing"]))


def test_xmpp_asks_for_the_host_in_its_own_namespace(ask):
    ask("xmpp", GOOD["xmpp"], host="a'b.test.")
    assert b"""to="a'b.test" version='1.0' xml:lang='en' xmlns='jabber:client'""" in ask.server.received[0]
    ask("xmpp-server", GOOD["xmpp-server"])
    assert b"xmlns='jabber:server'" in ask.server.received[0]


def test_xmpp_in_other_clothes(ask):
    go_ahead = b"<t:proceed xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'></t:proceed>"
    offer = OFFER.replace(b"stream:features", b"s:features")
    assert ask("xmpp", [b"", b"streams'>", STREAM + offer + b"\n", b"/>", go_ahead]) == "TLSv1.3"
