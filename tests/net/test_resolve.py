from __future__ import annotations

import socket
import threading
from time import monotonic

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.resolve import Address, resolve

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0))


@pytest.fixture
def lookup(monkeypatch):
    """What getaddrinfo answers: a list, or an exception to raise."""

    def answer(with_what):
        def getaddrinfo(*asked):
            if isinstance(with_what, Exception):
                raise with_what
            return with_what

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return answer


@pytest.mark.parametrize("family", ["any", "ipv4"])
def test_an_address_needs_no_lookup(lookup, deadline, family):
    lookup(AssertionError())
    assert resolve("127.0.0.1", 80, deadline, family) == [Address("127.0.0.1", 80, socket.AF_INET)]


def test_an_ipv6_address(deadline):
    (address,) = resolve("::1", 80, deadline, "ipv6")
    assert (address.family, str(address)) == (socket.AF_INET6, "[::1]:80")


def test_an_address_of_the_other_family_is_a_mistake_of_the_config(deadline):
    with pytest.raises(NetError, match=r"127\.0\.0\.1 is not an IPv6 address") as caught:
        resolve("127.0.0.1", 80, deadline, "ipv6")
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("dns", "config", "config")


def test_localhost(deadline):
    assert str(resolve("localhost", 80, deadline, "ipv4")[0]) == "127.0.0.1:80"


def test_a_name_in_the_order_of_the_system_each_address_once(lookup, deadline):
    lookup([V6, V4, V6])
    assert [a.host for a in resolve("example.org", 80, deadline)] == ["2001:db8::1", "192.0.2.1"]


def test_an_unknown_name(lookup, deadline):
    lookup(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    with pytest.raises(NetError, match=r"cannot resolve example\.org: Name or service not known") as caught:
        resolve("example.org", 80, deadline)
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("dns", "resolve", "target")


def test_a_name_without_an_address_of_that_family(lookup, deadline):
    lookup(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    with pytest.raises(NetError, match=r"example\.org has no IPv4 address") as caught:
        resolve("example.org", 80, deadline, "ipv4")
    assert caught.value.fault == "target"


def test_a_machine_without_that_family(lookup, deadline, monkeypatch):
    lookup(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    def unsupported(*asked):
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", unsupported)
    with pytest.raises(NetError, match=r"this machine has no IPv6, so example\.org cannot be looked at") as caught:
        resolve("example.org", 80, deadline, "ipv6")
    assert (caught.value.kind, caught.value.fault) == ("environment", "environment")


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "127.0.0.1\0.example", ""])
def test_what_is_no_name(deadline, name):
    with pytest.raises(NetError, match="not a host name"):
        resolve(name, 80, deadline)


def test_a_silent_resolver_does_not_outlive_the_deadline(monkeypatch, ms):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked: release.wait(10) and [V4])
    started = monotonic()
    with pytest.raises(NetError, match=r"cannot resolve example\.org: no answer from the resolver within") as caught:
        resolve("example.org", 80, Deadline(50 * ms))
    release.set()
    assert caught.value.kind == "timeout"
    assert monotonic() - started < 50 * ms + 1
