"""Servers that behave, and servers that do not: each runs one function per connection, on a free loopback port."""

from __future__ import annotations

import datetime as dt
import importlib.util
import ipaddress
import socket
import ssl
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from monitorpy.net.deadline import Deadline


class Server:
    """Calls ``talk(connection, server)`` on a thread of its own for each connection; ``stopped`` is set at the end of the test."""

    def __init__(self, talk, context=None):
        self.talk, self.context = talk, context
        self.stopped = threading.Event()
        self.received: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with suppress(OSError, ValueError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self.talk(connection, self)
        connection.close()

    def read_request(self, connection):
        """The head of a request and its body, kept in ``received``."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65536)):
                return data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        self.received.append(head + b"\r\n\r\n" + body)
        return head

    def stop(self):
        self.stopped.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def serve():
    """``serve(talk)`` starts a server; ``talk`` may also be the bytes to answer each HTTP request with."""
    servers = []

    def start(talk, context=None):
        if isinstance(talk, bytes):
            answer = talk

            def talk(connection, server):
                server.read_request(connection)
                connection.sendall(answer)

        servers.append(Server(talk, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def site(serve):
    """``site({"/path": answer})`` is a small web server; an answer is bytes, or a function of the request's head."""

    def start(routes, context=None):
        def talk(connection, server):
            head = server.read_request(connection)
            target = head.split(b" ")[1].decode() if b" " in head else ""
            answer = routes.get(target, reply(404, b"no such page"))
            connection.sendall(answer(head) if callable(answer) else answer)

        return serve(talk, context)

    return start


def reply(status=200, body=b"", *headers, reason="OK", length=True):
    """A whole HTTP answer in bytes."""
    lines = [f"HTTP/1.1 {status} {reason}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.fixture(name="reply")
def reply_fixture():
    return reply


def reset(connection):
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture(name="reset")
def reset_fixture():
    return reset


@pytest.fixture
def deadline(ms):
    """Far enough for anything that works."""
    return Deadline(20_000 * ms)


@pytest.fixture
def closed_port():
    """A port on which nothing listens: it is bound, so that nobody else gets it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Authority:
    """A certificate authority of our own; `issue` gives (certificate, key), `context` a server's SSLContext with it."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = self.issue("Test CA", ca=True)
        self.ca_file = str(self.write("ca.pem", self.certificate))

    def issue(self, name="localhost", *, names=("localhost", "127.0.0.1"), begins=-10.0, ends=80.0, ca=False, key=None, signed_by=None):
        key = key or ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if ca or signed_by == "self" else self.certificate.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=begins))
            .not_valid_after(now + dt.timedelta(days=ends))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names and not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([_san(n) for n in names]), critical=False)
        return builder.sign(key if issuer == subject else self.key, hashes.SHA256()), key

    def write(self, name, certificate, key=None):
        path = self.folder / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + (pem(key) if key else b""))
        return path

    def context(self, name="server.pem", **what):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(name, *self.issue(**what)))
        return context


def _san(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(key, password=None):
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


@pytest.fixture(name="pem")
def pem_fixture():
    return pem


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture(scope="session")
def dnssec():
    """The module dnssec_world.py of this folder, which is no package."""
    full = "monitorpy_tests_dnssec_world"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name("dnssec_world.py"))
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


class Peer:
    """The server's side of one connection, by the same package; ``request`` and ``body`` are what was asked."""

    def __init__(self, connection):
        self.sock = connection
        self.protocol = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False))
        self.protocol.initiate_connection()
        self.flush()
        self.request, self.body, self.stream = {}, b"", 1

    def flush(self):
        self.sock.sendall(self.protocol.data_to_send())

    def read(self, until=StreamEnded):
        """Read until an event of that kind has come."""
        while True:
            data = self.sock.recv(65536)
            if not data:
                raise OSError("the client has gone")
            events = self.protocol.receive_data(data)
            for event in events:
                if isinstance(event, RequestReceived):
                    self.request = dict(event.headers)
                elif isinstance(event, DataReceived):
                    self.body += event.data
                    self.protocol.acknowledge_received_data(event.flow_controlled_length, 1)
            self.flush()
            if any(isinstance(event, until) for event in events):
                return

    def answer(self, headers=((":status", "200"),), body=b"", trailers=None, end=True):
        self.protocol.send_headers(1, headers, end_stream=end and not body and trailers is None)
        if body:
            self.protocol.send_data(1, body, end_stream=end and trailers is None)
        if trailers is not None:
            self.protocol.send_headers(1, trailers, end_stream=True)
        self.flush()


@pytest.fixture(name="peer")
def peer_fixture():
    """``peer(socket)``: the server's side of HTTP/2."""
    return Peer
