from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.mail.base import MailClient, no_mechanism, shown


class Client(MailClient):
    def greet(self):
        """Nothing."""

    def ask_for_tls(self):
        """Nothing."""

    def start_tls(self, settings, server_hostname):
        """Nothing."""

    def login(self, login):
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


def test_has():
    client = Client(None)
    client.capabilities = ["UidPlus", "SASL-IR"]
    assert client.has("UIDPLUS")
    assert not client.has("SASL")


def test_no_mechanism():
    assert no_mechanism(["GSSAPI"], ("PLAIN", "LOGIN")) == "no usable way to log in is offered (GSSAPI); usable: PLAIN, LOGIN"
    assert "(none at all)" in no_mechanism([], ("XOAUTH2",))


def test_what_a_server_says_is_bounded():
    assert shown("x" * 500) == "x" * 500
    assert shown("x" * 501) == "x" * 500 + "..."


def test_lines(client, script):
    pop = client(script("Pop3"))
    assert pop._line("the banner") == "+OK lab POP3 ready"
    pop._send("QUIT")
    assert pop._line("the answer") == "+OK bye"
    strange = pop._strange("x" * 200, "the answer")
    assert str(strange).startswith("127.0.0.1:")
    assert str(strange).endswith(f" sent '{'x' * 120}' for the answer")
    assert strange.kind == "protocol"


def test_an_answer_that_comes_before_the_question_is_none(client, script):
    client(script("Pop3"))._refuse_early_answers("CAPA")
    pop = client(script("Pop3", banner=b"+OK ready\r\n+OK welcome\r\n"))
    pop._line("the banner")
    with pytest.raises(NetError, match=r"sent '\+OK welcome\\r\\n' before CAPA was asked") as caught:
        pop._refuse_early_answers("CAPA")
    assert caught.value.kind == "protocol"


def test_no_service(client, script):
    pop = client(script("Pop3"))
    pop.banner = "-ERR busy"
    assert str(pop._no_service()).endswith(" refuses service: -ERR busy")
