from __future__ import annotations

import io
import socket
import ssl
import threading
from time import monotonic, perf_counter

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.sockets import DeadlineSocket, received_chain, verified_chain
from monitorpy.net.tls import TlsSettings, context

NO_CHECK = TlsSettings(verify=False)


@pytest.fixture
def dial(authority):
    """Connects to a server; over TLS if it has a context."""
    opened = []

    def to(server, seconds=20.0):
        connection = connect("127.0.0.1", server.port, Deadline(seconds), phases={})
        opened.append(connection)
        if server.context:
            connection.start_tls(NO_CHECK, "localhost")
        return connection

    yield to
    for connection in opened:
        connection.close()


@pytest.fixture(params=["plain", "tls"])
def secured(request, authority):
    """Each of these tests runs over both kinds of socket."""
    return authority.context() if request.param == "tls" else None


def echo(connection, _server):
    while data := connection.recv(65536):
        connection.sendall(data)


def silent(_connection, server):
    server.stopped.wait(20)


def test_a_conversation(serve, dial, secured):
    sock = dial(serve(echo, secured)).sock
    sock.sendall(b"hello")
    assert sock.recv(100) == b"hello"
    assert sock.send(b"again") == 5
    buffer = bytearray(100)
    assert sock.recv_into(buffer) == 5
    assert sock.recv_into.__self__.deadline.seconds == 20


def test_the_first_byte_is_timed(serve, dial, secured):
    sock = dial(serve(echo, secured)).sock
    sock.await_answer()
    before = perf_counter()
    assert sock.answered is None
    sock.sendall(b"hello")
    sock.makefile("rb", buffering=0).readinto(bytearray(5))
    assert before < sock.answered < perf_counter()
    assert sock.phase == "transfer"
    first = sock.answered
    sock.sendall(b"more")
    assert sock.recv(10) == b"more"
    assert sock.answered == first


def test_a_named_phase_stays(serve, dial, secured):
    sock = dial(serve(echo, secured)).sock
    sock.phase = "banner"
    sock.sendall(b"hello")
    sock.recv(5)
    assert (sock.phase, sock.answered is not None) == ("banner", True)


@pytest.mark.parametrize("read", [lambda s: s.recv(1), lambda s: s.recv_into(bytearray(1)), lambda s: s.makefile("rb").read(1)])
def test_silence_ends_at_the_deadline(serve, dial, secured, ms, read):
    sock = dial(serve(silent, secured)).sock
    sock.deadline = Deadline(60 * ms)
    started = monotonic()
    with pytest.raises(NetError, match=r"no answer from 127\.0\.0\.1:\d+ within") as caught:
        read(sock)
    assert (caught.value.phase, caught.value.kind) == ("first_byte", "timeout")
    assert monotonic() - started < 60 * ms + 1


def test_a_trickle_does_not_outlive_the_deadline(serve, dial, secured, ms):
    def trickle(connection, server):
        while not server.stopped.wait(20 * ms):
            connection.sendall(b"x")

    sock = dial(serve(trickle, secured)).sock
    sock.deadline = Deadline(150 * ms)
    started = monotonic()
    with pytest.raises(NetError, match="no complete answer") as caught:
        io.BufferedReader(socket.SocketIO(sock, "r")).readline()
    assert caught.value.kind == "timeout"
    assert monotonic() - started < 150 * ms + 1


def test_nothing_is_tried_after_the_deadline(serve, dial, secured):
    sock = dial(serve(echo, secured)).sock
    sock.deadline = Deadline(-1)
    for operation in (lambda: sock.send(b"x"), lambda: sock.sendall(b"x"), lambda: sock.recv(1), lambda: sock.recv_into(bytearray(1))):
        with pytest.raises(NetError, match="within -1 s"):
            operation()


@pytest.mark.parametrize("send", [lambda s: s.sendall(b"x" * 50_000_000), lambda s: [s.send(b"x" * 1_000_000) for _ in range(50)]])
def test_a_peer_that_does_not_read_ends_at_the_deadline(serve, dial, secured, ms, send):
    sock = dial(serve(silent, secured)).sock
    sock.deadline = Deadline(100 * ms)
    started = monotonic()
    with pytest.raises(NetError, match="could not send to") as caught:
        send(sock)
    assert (caught.value.phase, caught.value.kind) == ("send", "timeout")
    assert monotonic() - started < 100 * ms + 1


def test_a_reset(serve, dial, secured, reset):
    sock = dial(serve(lambda connection, _: (connection.recv(1), reset(connection)), secured)).sock
    sock.sendall(b"x")
    with pytest.raises(NetError, match="reset the connection before it answered") as caught:
        sock.recv(1)
    assert caught.value.kind == "reset"


def test_a_reset_while_sending(serve, dial, reset):
    ready = threading.Event()

    def talk(connection, _server):
        connection.recv(1)  # at once, the reset could come before connect() returns
        reset(connection)
        ready.set()

    sock = dial(serve(talk)).sock
    sock.sendall(b"x")
    assert ready.wait(5)
    with pytest.raises(NetError, match="the connection while sending") as caught:
        [sock.sendall(b"x") for _ in range(3)]  # the first may still leave
    assert (caught.value.phase, caught.value.kind) == ("send", "reset")


def test_clients_cannot_change_the_timeout(serve, dial, secured):
    sock = dial(serve(echo, secured)).sock
    sock.settimeout(1e-6)
    sock.sendall(b"hello")
    assert sock.recv(5) == b"hello"


def test_a_connection_that_fails(dial, closed_port, deadline):
    with DeadlineSocket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bound(deadline, "db:1", "first_byte")
        with pytest.raises(NetError, match="db:1 refused the connection") as caught:
            sock.connect(("127.0.0.1", closed_port))
    assert caught.value.phase == "connect"


@pytest.mark.parametrize(
    "settings, text", [(NO_CHECK, "closed the connection during"), (TlsSettings(trust="certifi"), "unknown issuer 'CN=Test CA'")]
)
def test_a_handshake_that_fails(serve, deadline, authority, settings, text):
    server = serve(lambda connection, _: connection.recv(9999), authority.context() if settings.verify else None)
    with connect("127.0.0.1", server.port, deadline, phases={}) as connection:
        with pytest.raises(NetError, match=text) as caught:
            connection.start_tls(settings, "localhost")
        assert caught.value.phase == "tls"


def test_a_deadline_that_never_comes(serve, dial):
    sock = dial(serve(echo)).sock
    sock.deadline = Deadline.never()
    sock.sendall(b"hello")
    assert sock.recv(5) == b"hello"


def test_a_socket_that_is_not_connected(deadline):
    with DeadlineSocket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bound(deadline, "nobody", "first_byte")
        with pytest.raises(NetError, match="nobody closed the connection"):
            sock.recv_into(bytearray(1))
        with pytest.raises(NetError, match="closed the connection"):
            sock.send(b"x")


def test_tls_with_a_peer_that_is_gone(serve, dial, authority, reset):
    """As a reset between connecting and the handshake; a socket that is lost would be a ResourceWarning."""
    sock = dial(serve(lambda connection, _: (connection.recv(1), reset(connection)))).sock
    sock.sendall(b"x")
    with pytest.raises(NetError, match="reset the connection"):
        sock.recv(1)
    with pytest.raises(ConnectionResetError):
        context(TlsSettings(ca_file=authority.ca_file)).wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=False)
    assert sock.fileno() == -1


def test_the_peer_of_a_tls_connection_that_ended(serve, dial, authority):
    sock = dial(serve(echo, authority.context())).sock
    assert sock.getpeername()[0] == "127.0.0.1"
    sock.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sock.getpeername()


def test_the_chain_of_newer_pythons():
    class Newer:
        def get_unverified_chain(self):
            return [b"der"]

    assert received_chain(Newer()) == [b"der"]


def test_no_chain(monkeypatch):
    class Inner:
        def get_unverified_chain(self):
            return None

    class Older:
        _sslobj = Inner()

    assert received_chain(Older()) == []


def test_the_chain(serve, dial, authority):
    sock = dial(serve(silent, authority.context())).sock
    assert received_chain(sock) == [sock.getpeercert(binary_form=True)]


@pytest.mark.parametrize("read, end", [(lambda s: s.recv(9), b""), (lambda s: s.recv_into(bytearray(9)), 0)])
def test_a_close_is_an_end_with_or_without_tls_goodbye(serve, dial, secured, read, end):
    sock = dial(serve(lambda connection, _: connection.recv(1), secured)).sock
    sock.sendall(b"x")
    assert read(sock) == end


def test_a_tls_error_while_reading(serve, dial, authority):
    def talk(connection, server):
        plain = socket.socket(fileno=connection.fileno())
        plain.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # a record that does not decrypt
        plain.detach()
        server.stopped.wait(20)

    sock = dial(serve(talk, authority.context())).sock
    with pytest.raises(NetError, match="TLS error from") as caught:
        sock.recv(10)
    assert caught.value.kind == "tls"


def test_the_path_that_was_verified(serve, authority):
    server = serve(silent, authority.context())
    with connect("127.0.0.1", server.port, Deadline(20), phases={}) as connection:
        connection.start_tls(TlsSettings(ca_file=authority.ca_file), "localhost")
        assert len(received_chain(connection.tls)) == 1
        assert verified_chain(connection.tls)[0] == received_chain(connection.tls)[0]
        assert len(verified_chain(connection.tls)) == 2  # and the root, which was not sent


def closing(connection, _server):
    connection.recv(1)


def talking(connection, _server):
    connection.sendall(b"220 hello\r\n")
    connection.recv(1)


@pytest.mark.parametrize("behaviour", [closing, talking])
def test_a_server_that_goes_on_has_no_objection(serve, dial, authority, behaviour):
    assert dial(serve(behaviour, authority.context())).sock.last_word(20) is True


def test_a_server_that_does_not_say_a_word(serve, dial, authority, ms):
    assert dial(serve(silent, authority.context())).sock.last_word(100 * ms) is False
    assert dial(serve(silent, authority.context()), seconds=300 * ms).sock.last_word(20) is False


def test_an_objection_that_comes_after_the_handshake(serve, dial, authority):
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    with pytest.raises(NetError, match="requires a client certificate") as caught:
        dial(serve(silent, context)).sock.last_word(20)
    assert (caught.value.phase, caught.value.kind) == ("tls", "tls")


def test_a_server_that_resets_says_no(serve, dial, authority, reset):
    gone = threading.Event()

    def resetting(connection, _server):
        plain = socket.socket(fileno=connection.detach())
        reset(plain)
        gone.set()

    connection = dial(serve(resetting, authority.context()))
    assert gone.wait(20)
    with pytest.raises(NetError) as caught:
        connection.sock.last_word(20)
    assert caught.value.kind == "reset"
