"""Starts a mail client against a script of tests/plugins/servers_mail.py."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.pop3 import Pop3Client
from monitorpy.net.mail.smtp import SmtpClient


def _helper(name):
    full = f"monitorpy_tests_{name}"
    if full not in sys.modules:
        path = Path(__file__).parents[2] / "plugins" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(full, path)
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@pytest.fixture
def script():
    """Makes the server's side: "Smtp", "Imap" or "Pop3"."""
    return lambda protocol, tls=None, **options: getattr(_helper("servers_mail"), protocol)(tls, **options)


@pytest.fixture
def server():
    """Starts a server for a script, in clear text or with a TLS context."""
    with ExitStack() as stack:
        yield lambda talk, tls=None: stack.enter_context(_helper("servers_tcp").running(talk, tls))


@pytest.fixture
def dns_server():
    with _helper("servers_dns").running(_helper("servers_dns").DnsServer()) as server:
        yield server


@pytest.fixture
def client(ms):
    """Makes the client of a script's protocol, connected to it."""
    with ExitStack() as stack:

        def start(talk, seconds=2000 * ms):
            server = stack.enter_context(_helper("servers_tcp").running(talk))
            connection = stack.enter_context(connect("127.0.0.1", server.port, Deadline(seconds), phases={}))
            make = {"Smtp": lambda d: SmtpClient(d, "127.0.0.1"), "Imap": ImapClient, "Pop3": Pop3Client}[type(talk).__name__]
            return make(Dialogue(connection))

        yield start


@pytest.fixture(scope="session")
def server_tls(tmp_path_factory):
    """A server's TLS context; its certificate is of no importance here."""
    from monitorpy.lab.certificates import Certificates

    return Certificates(tmp_path_factory.mktemp("certificates")).issue("mail").context
