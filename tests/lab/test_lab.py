from __future__ import annotations

import contextlib
import http.client
import os
import socket

import pytest

from monitorpy.lab import lab as lab_module
from monitorpy.lab.lab import Lab


def test_everything_is_up_and_then_gone():
    with Lab() as lab:
        variables = lab.variables
        ports = {name: value for name, value in variables.items() if isinstance(value, int)}
        assert len(set(ports.values())) == len(ports) > 10
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect(("127.0.0.1", ports.pop("LAB_UDP")))
            client.send(b"PING")
            assert client.recv(100) == b"PONG"
        for name, port in ports.items():
            with contextlib.ExitStack() as stack:
                if name == "LAB_CLOSED":
                    stack.enter_context(pytest.raises(ConnectionRefusedError))
                stack.enter_context(contextlib.suppress(ConnectionResetError))  # LAB_RESETTING may be faster than connect()
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", lab.http.port, timeout=5)) as client:
            client.request("GET", "/")
            assert client.getresponse().status == 200
        assert lab.environ() == {name: str(value) for name, value in variables.items()}
        assert os.path.exists(variables["LAB_CA"])  # noqa: PTH110 - a path as text is what check files get
    assert not os.path.exists(variables["LAB_CA"])  # noqa: PTH110
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports["LAB_HTTP"]))


def test_when_one_server_cannot_start_none_stays(monkeypatch):
    started = []

    class Failing(lab_module.JunkServer):
        def __init__(self):
            raise OSError("no more files")

    class Recorded(lab_module.SilentServer):
        def __init__(self):
            super().__init__()
            started.append(self)

    monkeypatch.setattr(lab_module, "JunkServer", Failing)
    monkeypatch.setattr(lab_module, "SilentServer", Recorded)
    with pytest.raises(OSError, match="no more files"), Lab():
        pytest.fail("it must not start")
    assert started[0].closing.is_set()
