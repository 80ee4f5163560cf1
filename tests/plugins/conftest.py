"""The servers that the plugins are tested with: real ones, on free loopback ports, that can misbehave."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest


def _helper(name: str, folder: str = "plugins"):
    """A module of this folder, or of another one; they are no packages."""
    full = f"monitorpy_tests_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).parents[1] / folder / f"{name}.py")
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@pytest.fixture
def dns_server():
    servers = _helper("servers_dns")
    with servers.running(servers.DnsServer()) as server:
        yield server


@pytest.fixture(scope="session")
def dnssec():
    """Signed zones: the helper of the tests of net."""
    return _helper("dnssec_world", "net")


@pytest.fixture
def helper():
    """Gives a module of this folder by name, for tests that need more than one server."""
    return _helper


@pytest.fixture
def tcp_server():
    """Starts a TCP server for a script; closes all of them in the end."""
    with ExitStack() as stack:
        yield lambda script, tls=None: stack.enter_context(_helper("servers_tcp").running(script, tls))


@pytest.fixture
def scripts():
    """The ready-made scripts of servers_tcp.py."""
    return _helper("servers_tcp")


@pytest.fixture(scope="session")
def lab_certificates(tmp_path_factory):
    """A throw-away certificate authority."""
    from monitorpy.lab.certificates import Certificates

    return Certificates(tmp_path_factory.mktemp("certificates"))
