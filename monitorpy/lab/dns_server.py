"""An authoritative name server for one small zone: over UDP and TCP on the same port, over TLS and HTTPS on ports of their own."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from monitorpy.lab.tcp_server import HOST, TcpServer

ORIGIN = "lab.test."
ZONE = """
$TTL 300
@      IN SOA   ns1 hostmaster 2026112301 3600 600 86400 60
@      IN NS    ns1
@      IN MX    10 mail
@      IN MX    20 backup
@      IN TXT   "v=spf1 mx -all"
@      IN TXT   "lab-verification=7f3a"
@      IN CAA   0 issue "ca.lab.test"
ns1    IN A     192.0.2.53
www    IN A     192.0.2.10
www    IN A     192.0.2.11
www    IN AAAA  2001:db8::10
mail   IN A     192.0.2.25
backup IN A     192.0.2.26
shop   IN CNAME www
local  IN A     127.0.0.1
big    IN TXT   "{filler}"
big    IN TXT   "second {filler}"
big    IN TXT   "third {filler}"
""".replace("{filler}", "x" * 240)
_DNS_MESSAGE = "application/dns-message"
_MAX_CNAMES = 8
_PLAIN_UDP = 512  # bytes; RFC 1035 section 4.2.1


class DnsServer:
    """Answers for the names of ``zone`` (zone-file text) below ``origin``; REFUSED for all others.

    Answers are authoritative; one that is larger than the client takes over UDP is truncated (TC), so that it asks
    again over TCP. ``queries`` counts the questions that were answered. `over_tls` and `over_https` open more doors to it.
    """

    def __init__(self, zone: str = ZONE, origin: str = ORIGIN) -> None:
        self.zone = dns.zone.from_text(zone, origin, relativize=False)
        self.origin = dns.name.from_text(origin)
        self.queries = 0
        self._tcp, self._udp = _same_port(self)
        self.port = self._tcp.port
        self._thread = threading.Thread(target=self._serve_udp, name=f"DnsServer:{self.port}", daemon=True)

    def __enter__(self) -> Self:
        self._tcp.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._tcp.close()
        if self._thread.is_alive():
            with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", (HOST, self.port))
            self._thread.join(1)
        self._udp.close()

    def over_tls(self, context: ssl.SSLContext) -> TcpServer:
        """A server to start that answers the same over TLS (RFC 7858)."""
        return _DnsOverTcp(self, context)

    def over_https(self, context: ssl.SSLContext) -> TcpServer:
        """A server to start that answers the same over HTTPS (RFC 8484): POST to /dns-query."""
        return _DnsOverHttps(self, context)

    def answer(self, wire: bytes, limit: int = 65535) -> bytes | None:
        """The response to a question; truncated if longer than ``limit`` bytes and than what EDNS allows. None: not a question."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or not query.question:
            return None
        self.queries += 1
        response = self._response(query)
        allowed = max(limit, query.payload) if query.edns >= 0 else limit
        if len(data := response.to_wire(max_size=65535)) <= allowed:  # the default is what EDNS allows, and raises
            return data
        response.flags |= dns.flags.TC
        response.answer.clear()
        response.authority.clear()
        return response.to_wire()

    def _response(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        question = query.question[0]
        if not question.name.is_subdomain(self.origin) or question.rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.flags |= dns.flags.AA
        known = self._look_up(question.name, question.rdtype, response)
        if not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if not response.answer:
            response.authority.append(self._rrset(self.origin, dns.rdatatype.SOA))
        return response

    def _look_up(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, response: dns.message.Message) -> bool:
        """Fill in the answer, following CNAMEs inside the zone; whether the last name exists."""
        for _ in range(_MAX_CNAMES):
            if self.zone.get_node(name) is None:
                return not name.is_subdomain(self.origin)  # the target of a CNAME elsewhere is somebody else's to know
            for wanted in (rdtype, dns.rdatatype.CNAME):
                if self.zone.get_rdataset(name, wanted) is not None:
                    response.answer.append(self._rrset(name, wanted))
                    break
            else:
                return True
            if wanted == rdtype:
                return True
            name = response.answer[-1][0].target
        return True

    def _rrset(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset:
        return self.zone.find_rrset(name, rdtype)

    def _serve_udp(self) -> None:
        while True:
            try:
                wire, client = self._udp.recvfrom(65535)
            except ConnectionError:  # Windows reports here that an earlier client has gone
                continue
            if self._tcp.closing.is_set():
                return
            if (data := self.answer(wire, _PLAIN_UDP)) is not None:
                with contextlib.suppress(OSError):
                    self._udp.sendto(data, client)


class _DnsOverTcp(TcpServer):
    """Each message after its length in two bytes; several questions a connection."""

    def __init__(self, server: DnsServer, context: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=context)
        self.server = server

    def handle(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:  # noqa: PLR2004 - see above
                (length,) = struct.unpack("!H", head)
                data = self.server.answer(stream.read(length))
                if data is None:
                    return
                sock.sendall(struct.pack("!H", len(data)) + data)


class _DnsOverHttps(TcpServer):
    """A message in the body of each request, and of each answer."""

    def __init__(self, server: DnsServer, context: ssl.SSLContext) -> None:
        super().__init__(tls=context)
        self.server = server

    def handle(self, sock: socket.socket) -> None:
        _Handler(sock, (HOST, 0), self)  # type: ignore[arg-type]  # it only hands the server on to us


class _Handler(BaseHTTPRequestHandler):
    """One connection, HTTP/1.1; the work is done when the constructor returns."""

    server: _DnsOverHttps  # type: ignore[assignment]  # see _DnsOverHttps.handle
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        data = self.server.server.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if self.path != "/dns-query":
            status, data = HTTPStatus.NOT_FOUND, b""
        elif self.headers.get("Content-Type") != _DNS_MESSAGE:
            status, data = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b""
        else:
            status = HTTPStatus.OK if data else HTTPStatus.BAD_REQUEST
        self.send_response(status)
        self.send_header("Content-Type", _DNS_MESSAGE)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is http.server's
        """Keep the terminal for the report."""


def _same_port(server: DnsServer) -> tuple[_DnsOverTcp, socket.socket]:
    """Listeners for TCP and UDP on one free port; another program may hold the UDP port of that number, so try some."""
    for _ in range(20):
        tcp = _DnsOverTcp(server)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((HOST, tcp.port))
        except OSError:
            udp.close()
            tcp.close()
        else:
            return tcp, udp
    raise OSError(errno.EADDRINUSE, "no port is free for both TCP and UDP")
