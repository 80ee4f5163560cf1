"""A DNS server on loopback, UDP and TCP on one port, that can misbehave."""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Reaction = bytes | list[bytes] | Callable[[socket.socket], None] | None


class DnsServer:
    """Answers from ``zone``: {(name, type): (ttl, [values])}.

    ``react`` replaces the zone: from query and transport to the bytes to send (several datagrams as a list, None for silence), or to
    a function that talks over the TCP connection itself. With ``tls`` all that is TCP is over TLS.
    ``queries`` has (name, type, transport, recursion desired) of each query.
    """

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.rcodes: dict[str, str] = {}
        self.react: Callable[[dns.message.Message, str], Reaction] | None = None
        self.authoritative = True
        self.apex = "example.test."
        self.queries: list[tuple[str, str, str, bool]] = []
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.ended = threading.Event()

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        self.zone[name, rdtype] = (ttl, list(values))

    def respond(self, query: dns.message.Message, transport: str) -> Reaction:
        question = query.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        self.queries.append((question.name.to_text(), rdtype, transport, bool(query.flags & dns.flags.RD)))
        if self.react is not None:
            return self.react(query, transport)
        return self.answer(query).to_wire()

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        if self.authoritative:
            response.flags |= dns.flags.AA
        question = query.question[0]
        name, rdtype = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if name in self.rcodes:
            response.set_rcode(dns.rcode.from_text(self.rcodes[name]))
            return response
        while (name, "CNAME") in self.zone and (name, rdtype) not in self.zone:
            self._put(response.answer, name, "CNAME")
            name = self.zone[name, "CNAME"][1][0]
            if len(response.answer) > 30:
                break
        if (name, rdtype) in self.zone:
            self._put(response.answer, name, rdtype)
        else:
            if (self.apex, "SOA") in self.zone:
                self._put(response.authority, self.apex, "SOA")
            if not response.answer and all(known != name for known, _ in self.zone):
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def _put(self, section: list[dns.rrset.RRset], name: str, rdtype: str) -> None:
        ttl, values = self.zone[name, rdtype]
        section.append(dns.rrset.from_text(name, ttl, "IN", rdtype, *values))


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        reaction = self.server.owner.respond(dns.message.from_wire(data), "udp")
        for wire in reaction if isinstance(reaction, list) else [] if reaction is None else [reaction]:
            sock.sendto(wire, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        if self.server.owner.tls is not None:
            self.request = self.server.owner.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        (size,) = struct.unpack("!H", self.rfile.read(2))
        reaction = self.server.owner.respond(dns.message.from_wire(self.rfile.read(size)), "tcp")
        if isinstance(reaction, list):  # as it is, without a length
            self.wfile.write(b"".join(reaction))
        elif callable(reaction):
            reaction(self.request)
        elif reaction is None:
            self.rfile.read(1)  # silent until the client goes
        else:
            self.wfile.write(struct.pack("!H", len(reaction)) + reaction)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.request.close()


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """The client has gone, or does not trust us: that is what is tested."""


@contextmanager
def running(server: DnsServer, host: str = "127.0.0.1", port: int = 0) -> Iterator[DnsServer]:
    tcp, udp = _bound(host, port)
    tcp.owner = udp.owner = server
    server.port = tcp.server_address[1]
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in (tcp, udp)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        for one in (tcp, udp):
            one.shutdown()
            one.server_close()


def _bound(host: str, port: int) -> tuple[_TcpServer, _UdpServer]:
    """Both on the same free port."""
    for _ in range(50):
        tcp = _TcpServer((host, port), _Tcp)
        try:
            return tcp, _UdpServer((host, tcp.server_address[1]), _Udp)
        except OSError:
            tcp.server_close()
    raise RuntimeError("no port is free for both UDP and TCP")
