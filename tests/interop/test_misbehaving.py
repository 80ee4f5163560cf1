"""Every server of monitorpy.lab that misbehaves, against every check that can talk to it: an error with a reason, and in time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import pytest

from monitorpy.core.registry import run_check
from monitorpy.lab.faults import (
    ClosedPort,
    DeafServer,
    EndlessHeadersServer,
    HalfClosedServer,
    HugeBodyServer,
    JunkServer,
    ResettingServer,
    SilentServer,
    TricklingServer,
)
from monitorpy.lab.udp_server import DrippingUdpServer, NoisyUdpServer, SilentUdpServer, StrayUdpServer

HOST = "127.0.0.1"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"

SERVERS = {
    "silent": SilentServer,
    "deaf": DeafServer,
    "trickling": TricklingServer,
    "trickling lines": partial(TricklingServer, b"220-\r\n", 0.01),
    "trickling in the body": partial(TricklingServer, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", 0.001),
    "resetting": ResettingServer,
    "resetting when asked": partial(ResettingServer, after_request=True),
    "resetting in the answer": partial(ResettingServer, HALF, after_request=True),
    "junk": JunkServer,
    "junk in lines": partial(JunkServer, b"\x00\xff\r\n" * 1000),
    "junk of one long line": partial(JunkServer, b"x" * 100_000),
    "half closed": HalfClosedServer,
    "half closed at once": partial(HalfClosedServer, b""),
    "half closed in the headers": partial(HalfClosedServer, b"HTTP/1.1 200 OK\r\nContent-Le"),
    "headers without end": EndlessHeadersServer,
    "a header without end": partial(EndlessHeadersServer, lines=False),
    "body without end": HugeBodyServer,
    "chunks without end": partial(HugeBodyServer, chunked=True),
}

TALKS = {
    "smtp": (b"220 lab ESMTP\r\n", {b"EHLO": b"250-lab\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go\r\n"}),
    "imap": (b"* OK lab\r\n", {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%s OK\r\n", b"STARTTLS": b"%s OK go\r\n"}),
    "pop3": (b"+OK lab\r\n", {b"CAPA": b"+OK\r\nSTLS\r\n.\r\n", b"STLS": b"+OK go\r\n"}),
}
"""A greeting and the answers up to the go-ahead for TLS; %s is the command's tag."""


def greets(server, protocol, _):
    """The server misbehaves after its greeting."""
    misbehave = server.handle

    def handle(sock):
        sock.sendall(TALKS[protocol][0])
        misbehave(sock)

    server.handle = handle


def agrees(server, protocol, tls):
    """The server misbehaves after it has agreed to TLS, in place of the handshake; with ``tls`` after the handshake."""
    misbehave = server.handle
    greeting, answers = TALKS[protocol]

    def handle(sock):
        sock.sendall(greeting)
        command = b""
        while not command.startswith(b"ST"):  # STARTTLS, STLS
            line = sock.recv(1000).strip()
            if not line:
                return
            tag, command = line.split(b" ", 1) if protocol == "imap" else (b"", line)
            sock.sendall(answers[command.split()[0]].replace(b"%s", tag))
        if tls is None:
            misbehave(sock)
        else:
            with server.secured(sock, tls) as secure:
                misbehave(secure)

    server.handle = handle


def _case(plugin, *, secure=False, prepare=None, **config):
    """A check; with ``secure`` the server misbehaves after a handshake, ``prepare`` lets it say something sensible before."""
    return SimpleNamespace(plugin=plugin, secure=secure, prepare=prepare, config=config)


def _mail(protocol):
    hostname = {"hostname": HOST, "protocol": protocol}
    return {
        protocol: _case("mail_server", **hostname),
        f"{protocol} after the greeting": _case("mail_server", prepare=greets, **hostname),
        f"{protocol} in place of the greeting of starttls": _case("mail_server", use_tls=True, **hostname),
        f"{protocol} in place of the handshake of starttls": _case("mail_server", prepare=agrees, use_tls=True, **hostname),
        f"{protocol} over starttls": _case("mail_server", secure=True, prepare=agrees, use_tls=True, **hostname),
        f"{protocol} in place of a handshake": _case("mail_server", use_ssl=True, **hostname),
        f"{protocol} over tls": _case("mail_server", secure=True, use_ssl=True, **hostname),
        f"certificate in place of the greeting of {protocol}": _case("ssl_certificate", hostname=HOST, starttls=protocol),
        f"certificate in place of the handshake of {protocol}": _case("ssl_certificate", prepare=agrees, hostname=HOST, starttls=protocol),
    }


_DNS = {"domain": "lab.test", "record_type": "A", "nameserver": HOST}
CASES = {
    "http": _case("website_status", url="http://127.0.0.1:{port}/"),
    "https in place of a handshake": _case("website_status", url="https://127.0.0.1:{port}/"),
    "https": _case("website_status", secure=True, url="https://127.0.0.1:{port}/"),
    "certificate": _case("ssl_certificate", hostname=HOST),
    "tcp": _case("tcp_port", host=HOST, send="PING\r\n", expect="+PONG"),
    "tcp banner": _case("tcp_port", host=HOST, banner="^SSH-2"),
    "tcp in place of a handshake": _case("tcp_port", host=HOST, tls=True),
    "tcp over tls": _case("tcp_port", secure=True, tls=True, host=HOST, send="PING\r\n", expect="+PONG"),
    "tcp dialogue": _case("tcp_port", host=HOST, dialogue=[{"send": "PING\r\n"}, {"expect_regex": "^[+]PONG"}, {"starttls": True}]),
    "dns over tcp": _case("dns_record", transport="tcp", **_DNS),
    "dns over tls in place of a handshake": _case("dns_record", transport="tls", **_DNS),
    "dns over tls": _case("dns_record", secure=True, transport="tls", **_DNS),
    "dns over https": _case("dns_record", secure=True, transport="https", **_DNS),
    "websocket": _case("websocket", url="ws://127.0.0.1:{port}/"),
    "websocket over tls": _case("websocket", secure=True, url="wss://127.0.0.1:{port}/"),
    "grpc": _case("grpc_health", host=HOST),
    "grpc over tls": _case("grpc_health", secure=True, tls=True, host=HOST),
    **_mail("smtp"),
    **_mail("imap"),
    **_mail("pop3"),
}


def _config(case, port, certificates, timeout):
    config = {**case.config, "timeout": timeout}
    if "url" in config:
        config["url"] = config["url"].format(port=port)
    else:
        config["port"] = port
    if case.secure:
        config["ca_file"] = str(certificates.ca_file)
    return config


def _wrong(result, port, seconds, most):
    """What is wrong with a verdict on a server that misbehaves."""
    if not result.is_error() or result.fault != "target":
        yield f"{result.status} with fault {result.fault}"
    if result.kind is None or not (result.failures or (result.raw_data or {}).get("phase")):
        yield "no reason"
    if str(port) not in result.message and not result.failures:
        yield "does not say who"
    if not result.message.isprintable():
        yield "shows what came as it is"
    if seconds > most:
        yield f"took {seconds:.2f} s of at most {most:.2f}"


def _start(make, case, certificates):
    tls = certificates.good.context if case.secure else None
    if not case.prepare:
        return make(tls=tls)
    server = make()
    case.prepare(server, case.config.get("protocol") or case.config["starttls"], tls)
    return server


def _misjudged(name, server, case, certificates, ms):
    timeout = 250 * ms
    started = time.monotonic()
    result = run_check(case.plugin, _config(case, server.port, certificates, timeout))
    seconds = time.monotonic() - started
    if case.prepare is agrees and not case.secure:
        assert result.raw_data["phase"] == "tls", f"{name}: did not come to the handshake: {result.message}"
    return [f"{name}: {wrong}: {result.message}" for wrong in _wrong(result, server.port, seconds, timeout + 1000 * ms)]


@pytest.mark.parametrize("client", CASES)
def test_ends_in_time_with_a_reason(client, certificates, ms):
    """All of the servers at the same time: most of them take until the timeout."""
    case = CASES[client]
    with ClosedPort() as closed:  # also for the packages that a check imports when it first runs
        assert "refused the connection" in run_check(case.plugin, _config(case, closed.port, certificates, 2000 * ms)).message
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_start(make, case, certificates)) for name, make in SERVERS.items()}
        pool = stack.enter_context(ThreadPoolExecutor(len(servers)))
        asked = [pool.submit(_misjudged, name, server, case, certificates, ms) for name, server in servers.items()]
        misjudged = [wrong for future in asked for wrong in future.result()]
    assert misjudged == []


@pytest.mark.parametrize(
    "make", [SilentUdpServer, StrayUdpServer, NoisyUdpServer, DrippingUdpServer, partial(DrippingUdpServer, interval=0)]
)
@pytest.mark.parametrize("config", [{"expect": "+PONG"}, {"expect_regex": "^[+]PONG"}, {"expect_hex": "2b 50"}, {"expect_closed": True}])
def test_datagrams_end_in_time_with_a_reason(make, config, ms):
    timeout = 150 * ms
    with make() as server:
        started = time.monotonic()
        result = run_check("udp", {"host": HOST, "port": server.port, "send": "PING", "timeout": timeout, **config})
        assert list(_wrong(result, server.port, time.monotonic() - started, timeout + 1000 * ms)) == []
