from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import ssl
import struct

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from monitorpy.lab import dns_server
from monitorpy.lab.certificates import Certificates
from monitorpy.lab.dns_server import DnsServer
from monitorpy.lab.tcp_server import HOST

LOOP = """
@   IN SOA   ns1 host 1 2 3 4 5
@   IN NS    ns1
a   IN CNAME b
b   IN CNAME a
out IN CNAME elsewhere.example.
dangling IN CNAME nothing
"""


@pytest.fixture(scope="module")
def server():
    with DnsServer() as server:
        yield server


def udp(server, name, record_type="A", **more):
    return dns.query.udp(dns.message.make_query(name, record_type, **more), HOST, 5, server.port)


def values(response):
    return sorted(item.to_text() for rrset in response.answer for item in rrset)


@pytest.mark.parametrize(
    "name, record_type, expected",
    [
        ("www.lab.test", "A", ["192.0.2.10", "192.0.2.11"]),
        ("WWW.Lab.Test", "AAAA", ["2001:db8::10"]),
        ("lab.test", "MX", ["10 mail.lab.test.", "20 backup.lab.test."]),
        ("lab.test", "TXT", ['"lab-verification=7f3a"', '"v=spf1 mx -all"']),
        ("lab.test", "NS", ["ns1.lab.test."]),
        ("shop.lab.test", "CNAME", ["www.lab.test."]),
        ("shop.lab.test", "A", ["192.0.2.10", "192.0.2.11", "www.lab.test."]),
    ],
)
def test_records(server, name, record_type, expected):
    response = udp(server, name, record_type)
    assert values(response) == expected
    assert response.rcode() == dns.rcode.NOERROR
    assert response.flags & dns.flags.AA


def test_over_tcp_with_two_questions_on_one_connection(server):
    with socket.create_connection((HOST, server.port), timeout=5) as sock:
        for name, rcode in (("www.lab.test", dns.rcode.NOERROR), ("gone.lab.test", dns.rcode.NXDOMAIN)):
            assert dns.query.tcp(dns.message.make_query(name, "A"), HOST, 5, sock=sock).rcode() == rcode


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_over_tls(server, certificates):
    with server.over_tls(certificates.good.context) as secure:
        query = dns.message.make_query("mail.lab.test", "A")
        response = dns.query.tls(query, HOST, 5, secure.port, verify=str(certificates.ca_file))
    assert values(response) == ["192.0.2.25"]


def test_over_https(server, certificates):
    question = dns.message.make_query("mail.lab.test", "A", id=0).to_wire()
    wanted = {"Content-Type": "application/dns-message"}
    context = ssl.create_default_context(cafile=certificates.ca_file)
    with server.over_https(certificates.good.context) as secure:
        client = http.client.HTTPSConnection(HOST, secure.port, timeout=5, context=context)
        with contextlib.closing(client):
            for path, body, headers, status in (
                ("/dns-query", question, wanted, 200),
                ("/elsewhere", question, wanted, 404),
                ("/dns-query", question, {}, 415),
                ("/dns-query", b"junk", wanted, 400),
                ("/dns-query", None, wanted, 400),
            ):
                client.request("POST", path, body, headers)
                answer = client.getresponse()
                assert answer.status == status
                data = answer.read()
                assert values(dns.message.from_wire(data)) == ["192.0.2.25"] if status == 200 else data == b""


def test_no_such_name_and_no_such_type_bring_the_soa(server):
    for name, record_type, rcode in (("gone.lab.test", "A", dns.rcode.NXDOMAIN), ("mail.lab.test", "AAAA", dns.rcode.NOERROR)):
        response = udp(server, name, record_type)
        assert response.rcode() == rcode
        assert not response.answer
        assert response.authority[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize("more", [{"qname": "example.org", "rdtype": "A"}, {"qname": "lab.test", "rdtype": "TXT", "rdclass": "CH"}])
def test_others_are_refused(server, more):
    response = dns.query.udp(dns.message.make_query(**more), HOST, 5, server.port)
    assert response.rcode() == dns.rcode.REFUSED
    assert not response.flags & dns.flags.AA


def test_a_large_answer_is_truncated_over_udp(server):
    assert udp(server, "big.lab.test", "TXT").flags & dns.flags.TC
    whole = udp(server, "big.lab.test", "TXT", use_edns=0, payload=1232)
    assert not whole.flags & dns.flags.TC
    assert len(values(whole)) == 3
    assert udp(server, "big.lab.test", "TXT", use_edns=0, payload=600).flags & dns.flags.TC
    response, by_tcp = dns.query.udp_with_fallback(dns.message.make_query("big.lab.test", "TXT"), HOST, 5, server.port)
    assert by_tcp
    assert values(response) == values(whole)


def test_cnames_that_lead_nowhere():
    with DnsServer(LOOP) as server:
        assert udp(server, "a.lab.test").rcode() == dns.rcode.NOERROR
        assert values(udp(server, "out.lab.test")) == ["elsewhere.example."]
        assert udp(server, "out.lab.test").rcode() == dns.rcode.NOERROR
        assert udp(server, "dangling.lab.test").rcode() == dns.rcode.NXDOMAIN


def test_what_is_no_question_gets_no_answer(server):
    no_question = dns.message.make_query("lab.test", "A")
    no_question.question.clear()
    answer = dns.message.make_query("lab.test", "A")
    answer.flags |= dns.flags.QR
    before = server.queries
    for wire in (b"", b"junk", no_question.to_wire(), answer.to_wire()):
        assert server.answer(wire) is None
    assert server.queries == before
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"junk", (HOST, server.port))
    assert values(udp(server, "mail.lab.test")) == ["192.0.2.25"]  # it is still there
    with socket.create_connection((HOST, server.port), timeout=5) as sock:
        sock.sendall(struct.pack("!H", 4) + b"junk")
        assert sock.recv(10) == b""


def test_close_without_serving():
    server = DnsServer()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, server.port))


def test_an_earlier_client_is_gone():
    class Reporting:
        """A UDP socket that reports an earlier ICMP error on receive, as Windows does."""

        def __init__(self, sock):
            self.sock, self.reported = sock, False

        def recvfrom(self, size):
            if not self.reported:
                self.reported = True
                raise ConnectionResetError
            return self.sock.recvfrom(size)

        def __getattr__(self, name):
            return getattr(self.sock, name)

    server = DnsServer()
    server._udp = Reporting(server._udp)
    with server:
        assert values(udp(server, "mail.lab.test")) == ["192.0.2.25"]


def test_another_program_holds_the_udp_port_of_that_number(monkeypatch):
    class Taken(socket.socket):
        def bind(self, address):
            raise OSError(errno.EADDRINUSE, "in use")

    kinds = iter([Taken, socket.socket])
    real = socket.socket
    monkeypatch.setattr(dns_server.socket, "socket", lambda *a: next(kinds)(*a) if a == (socket.AF_INET, socket.SOCK_DGRAM) else real(*a))
    monkeypatch.setattr(dns_server._DnsOverTcp, "_listen", lambda self: _listener(real))
    with contextlib.closing(DnsServer()):
        pass
    kinds = iter([Taken] * 20)
    with pytest.raises(OSError, match="no port is free"):
        DnsServer()


def _listener(kind):
    sock = kind(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind((HOST, 0))
    sock.listen()
    return sock
