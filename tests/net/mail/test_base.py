from __future__ import annotations

import pytest

from monitorpy.net.mail.base import MailClient, no_mechanism


class Client(MailClient):
    def greet(self):
        """Nothing."""

    def start_tls(self, settings, server_hostname):
        """Nothing."""

    def login(self, username, password):
        """Nothing."""

    def quit(self):
        """Nothing."""


@pytest.mark.parametrize(
    "capabilities, found",
    [
        (["SIZE 1", "AUTH PLAIN LOGIN"], ["PLAIN", "LOGIN"]),
        (["auth=login plain"], ["LOGIN", "PLAIN"]),
        (["IMAP4rev1", "AUTH=PLAIN", "AUTH=CRAM-MD5"], ["PLAIN", "CRAM-MD5"]),
        (["SIZE", ""], []),
    ],
)
def test_mechanisms(capabilities, found):
    client = Client(None)
    client.capabilities = capabilities
    assert client.mechanisms("AUTH") == found


def test_no_mechanism():
    assert no_mechanism(["GSSAPI"]) == "no usable way to log in is offered (GSSAPI); usable: PLAIN, LOGIN, CRAM-MD5"
    assert "(none at all)" in no_mechanism([])


def test_lines(client, script):
    pop = client(script("Pop3"))
    assert pop._line("the banner") == "+OK lab POP3 ready"
    pop._send("QUIT")
    assert pop._line("the answer") == "+OK bye"
    strange = pop._strange("x" * 200, "the answer")
    assert str(strange).startswith("127.0.0.1:")
    assert str(strange).endswith(f" sent '{'x' * 120}' for the answer")
    assert strange.kind == "protocol"
