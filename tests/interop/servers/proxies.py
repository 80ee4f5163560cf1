"""tinyproxy, which wants a password, and dante, which speaks SOCKS."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .program import HOST, Home, fill, find, free_port, home, running, user

TINYPROXY = """
Port @port@
Listen @host@
Timeout 30
Allow @host@
BasicAuth user secret
LogLevel Connect
"""
DANTE = """
logoutput: stderr
internal: @host@ port = @port@
external: lo
clientmethod: none
socksmethod: none
user.privileged: @user@
user.unprivileged: @user@
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 127.0.0.3/32 log: connect error }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 log: connect error }
"""


@dataclass(frozen=True)
class Proxy:
    port: int
    home: Home


@contextmanager
def tinyproxy() -> Iterator[Proxy]:
    program = find("tinyproxy")
    with home("tinyproxy") as place:
        port = free_port()
        config = place.write("tinyproxy.conf", fill(TINYPROXY, host=HOST, port=port))
        with running([program, "-d", "-c", str(config)], place, lambda: _wants_password(port)):
            yield Proxy(port, place)


def _wants_password(port: int) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.request("GET", "http://127.0.0.1:1/")
    status = connection.getresponse().status
    connection.close()
    assert status == 407, status


@contextmanager
def dante() -> Iterator[Proxy]:
    """It leads everywhere but to 127.0.0.3."""
    program = find("danted")
    with home("dante") as place:
        port = free_port()
        config = place.write("danted.conf", fill(DANTE, host=HOST, port=port, user=user()))
        with running([program, "-N", "1", "-p", str(place.path / "pid"), "-f", str(config)], place, lambda: _greets(port)):
            yield Proxy(port, place)


def _greets(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=5) as sock:
        sock.sendall(b"\5\1\0")
        answer = sock.recv(2)
        assert answer == b"\5\0", answer
