from __future__ import annotations

import errno
import socket
import ssl

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import mapped, net_error, overdue


@pytest.mark.parametrize(
    "number, phase, text, kind, fault",
    [
        (errno.ECONNREFUSED, "connect", "db:1 refused the connection", "connect", "target"),
        (errno.ECONNRESET, "tls", "db:1 reset the connection during the TLS handshake", "reset", "target"),
        (errno.ECONNRESET, "banner", "db:1 reset the connection (banner)", "reset", "target"),
        (errno.EPIPE, "send", "db:1 closed the connection while sending", "reset", "target"),
        (errno.ETIMEDOUT, "transfer", "db:1 did not answer: the system gave up in the middle of its answer", "timeout", "target"),
        (errno.EHOSTUNREACH, "connect", "db:1 is unreachable: no route to host", "connect", "target"),
        (errno.ENETUNREACH, "connect", "this machine has no route to db:1: network is unreachable", "environment", "environment"),
        (errno.EPERM, "connect", "this machine does not permit a connection to db:1", "environment", "environment"),
        (errno.EMFILE, "connect", "no connection to db:1: this process has too many open files", "environment", "environment"),
        (errno.EIO, "connect", "the connection to db:1 failed: Input/output error", "connect", "target"),
    ],
)
def test_os_errors(number, phase, text, kind, fault):
    error = net_error(OSError(number, "whatever" if number != errno.EIO else "Input/output error"), phase, "db:1")
    assert (str(error), error.phase, error.kind, error.fault) == (text, phase, kind, fault)


def test_os_errors_without_number_or_text():
    assert str(net_error(OSError("odd"), "connect", "db:1")) == "the connection to db:1 failed: odd"
    assert str(net_error(OSError(), "connect", "db:1")) == "the connection to db:1 failed: OSError"


def test_a_name_that_does_not_resolve():
    error = net_error(socket.gaierror(-2, "Name or service not known"), "connect", "nowhere")
    assert (str(error), error.phase, error.kind) == ("cannot resolve nowhere: Name or service not known", "dns", "resolve")


def test_timeouts_name_what_did_not_come_and_when():
    assert str(net_error(TimeoutError("timed out"), "connect", "db:1", Deadline(2))) == "no connection to db:1 within 2 s"
    assert str(overdue("banner", "db:1", Deadline(2))) == "no answer from db:1 within 2 s"
    assert str(overdue("transfer", "db:1")) == "no complete answer from db:1 in time"
    assert overdue("tls", "db:1").kind == "timeout"


def test_tls_errors_are_told_by_their_reason():
    assert net_error(ssl.SSLError("odd"), "tls", "db:1").kind == "tls"


def test_mapped():
    with pytest.raises(NetError, match="the server reset") as caught, mapped("first_byte"):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    original = NetError("said already", phase="tls", kind="tls")
    with pytest.raises(NetError) as caught, mapped("first_byte"):
        raise original
    assert caught.value is original
