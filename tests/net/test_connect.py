from __future__ import annotations

import socket
from time import monotonic

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect, mapped
from monitorpy.net.deadline import Deadline
from monitorpy.net.tls import TlsSettings


def test_connected(serve, deadline):
    server = serve(lambda connection, _: connection.sendall(b"hello"))
    phases = {}
    with connect("localhost", server.port, deadline, family="ipv4", phases=phases) as connection:
        assert connection.sock.recv(5) == b"hello"
        assert (connection.address, connection.port, connection.deadline) == ("127.0.0.1", server.port, deadline)
        assert connection.tls is None
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connection.sock.fileno() == -1
    assert connection.phases is phases
    assert list(phases) == ["dns", "connect"]
    assert all(0 <= seconds < 5 for seconds in phases.values())


def test_a_pinned_address_keeps_the_name_out_of_it(serve, deadline):
    server = serve(lambda connection, _: connection.sendall(b"hello"))
    with connect("example.invalid", server.port, deadline, address="127.0.0.1", phases={}) as connection:
        connection.phase = "banner"
        assert connection.phase == "banner"
        assert connection.sock.recv(5) == b"hello"
        assert connection.sock.peer == f"example.invalid (127.0.0.1:{server.port})"


def test_refused(closed_port, deadline):
    phases = {}
    with pytest.raises(NetError, match=rf"^127\.0\.0\.1:{closed_port} refused the connection$") as caught:
        connect("127.0.0.1", closed_port, deadline, phases=phases)
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("connect", "connect", "target")
    assert list(phases) == ["dns", "connect"]  # the time spent in a phase that failed counts too


def test_no_name(deadline):
    phases = {}
    with pytest.raises(NetError, match="not a host name"):
        connect("", 1, deadline, phases=phases)
    assert list(phases) == ["dns"]


def test_a_connection_that_nobody_accepts_ends_at_the_deadline(ms):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for other in waiting:  # fill the queue: what comes next gets no answer
            other.setblocking(False)  # noqa: FBT003 - it has no name
            other.connect_ex(("127.0.0.1", port))
        started = monotonic()
        with pytest.raises(NetError, match=f"no connection to 127.0.0.1:{port} within") as caught:
            connect("127.0.0.1", port, Deadline(100 * ms), phases={})
        assert (caught.value.phase, caught.value.kind) == ("connect", "timeout")
        assert monotonic() - started < 100 * ms + 1
        for other in waiting:
            other.close()


def test_no_sockets_left(monkeypatch, deadline):
    def none_left(*_args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("monitorpy.net.connect.DeadlineSocket", none_left)
    with pytest.raises(NetError, match="too many open files") as caught:
        connect("127.0.0.1", 1, deadline, phases={})
    assert caught.value.fault == "environment"


def test_tls(serve, deadline, authority):
    server = serve(lambda connection, _: connection.sendall(b"hello"), authority.context())
    phases = {}
    with connect("localhost", server.port, deadline, family="ipv4", phases=phases) as connection:
        connection.start_tls(TlsSettings(ca_file=authority.ca_file), "localhost.")
        assert connection.tls is connection.sock
        assert connection.sock.recv(5) == b"hello"
        assert connection.tls.server_hostname == "localhost"
    assert phases["tls"] > 0
    assert connection.sock.fileno() == -1


def test_starttls_after_a_dialogue(serve, deadline, authority):
    context = authority.context()

    def talk(connection, server):
        connection.sendall(b"ready\n")
        connection.recv(100)
        connection.sendall(b"go ahead\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.sendall(b"secret")
            server.stopped.wait(20)

    with connect("127.0.0.1", serve(talk).port, deadline, phases={}) as connection:
        assert connection.sock.recv(6) == b"ready\n"
        connection.sock.sendall(b"STARTTLS\n")
        assert connection.sock.recv(9) == b"go ahead\n"
        connection.start_tls(TlsSettings(ca_file=authority.ca_file), "127.0.0.1")
        assert connection.sock.recv(6) == b"secret"


@pytest.mark.parametrize(
    "talk, text, kind",
    [
        (lambda connection, server: server.stopped.wait(20), "no TLS handshake with .* within", "timeout"),
        (lambda connection, _: (connection.recv(9999), connection.sendall(b"220 smtp ready\r\n")), "does not speak TLS here", "tls"),
        (lambda connection, _: connection.recv(9999), "closed the connection during the TLS handshake", "reset"),
    ],
)
def test_what_does_not_do_tls(serve, ms, talk, text, kind):
    started = monotonic()
    with connect("127.0.0.1", serve(talk).port, Deadline(300 * ms), phases={}) as connection:
        with pytest.raises(NetError, match=text) as caught:
            connection.start_tls(TlsSettings(verify=False), "localhost")
        assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("tls", kind, "target")
        assert connection.phases["tls"] > 0
    assert connection.sock.fileno() == -1
    assert monotonic() - started < 300 * ms + 1


def test_a_reset_in_the_handshake(serve, deadline, reset):
    with connect("127.0.0.1", serve(lambda c, _: (c.recv(10), reset(c))).port, deadline, phases={}) as connection:
        with pytest.raises(NetError, match=r"(reset|closed) the connection during the TLS handshake") as caught:
            connection.start_tls(TlsSettings(verify=False), "localhost")
        assert caught.value.kind == "reset"


def test_a_peer_that_is_gone_before_the_handshake(serve, deadline, reset):
    with connect("127.0.0.1", serve(lambda c, _: (c.recv(1), reset(c))).port, deadline, phases={}) as connection:
        connection.sock.sendall(b"x")
        with pytest.raises(NetError, match="reset the connection"):
            connection.sock.recv(1)
        with pytest.raises(NetError, match="reset the connection during the TLS handshake") as caught:
            connection.start_tls(TlsSettings(verify=False), "localhost")
        assert (caught.value.phase, caught.value.kind) == ("tls", "reset")


@pytest.mark.parametrize("name", [".example.org", "", "a\0b", "a" * 64])
def test_a_name_that_tls_cannot_ask_for(serve, deadline, name):
    with connect("127.0.0.1", serve(lambda c, s: s.stopped.wait(20)).port, deadline, phases={}) as connection:
        with pytest.raises(NetError, match="is not a name to ask for in TLS") as caught:
            connection.start_tls(TlsSettings(verify=False), name)
        assert caught.value.fault == "config"


def test_mapped_is_at_hand():
    with pytest.raises(NetError, match="no answer from db in time"), mapped("banner", "db"):
        raise TimeoutError
