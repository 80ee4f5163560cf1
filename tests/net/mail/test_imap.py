from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.tls import TlsSettings


def test_greet(client, script):
    imap = client(script("Imap"))
    imap.greet()
    assert imap.banner == "* OK lab IMAP ready"
    assert imap.capabilities == ["IMAP4rev1", "SASL-IR", "IDLE", "AUTH=PLAIN", "AUTH=LOGIN"]


@pytest.mark.parametrize("banner", [b"* BYE busy\r\n", b"220 smtp\r\n"])
def test_strange_banner(client, script, banner):
    with pytest.raises(NetError, match="for the banner"):
        client(script("Imap", banner=banner)).greet()


def test_preauth(client, script):
    imap = client(script("Imap", banner=b"* PREAUTH hello\r\n"))
    imap.greet()
    assert imap.banner == "* PREAUTH hello"


@pytest.mark.parametrize(
    "reply, message",
    [
        (b"TAG BAD no\r\n", "sent 'BAD no' for the answer to CAPABILITY"),
        (b"* BYE too busy\r\n", r"sent '\* BYE too busy' for"),
        (b"junk\r\n", "sent 'junk' for"),
        (b"* x\r\n" * 600, "500 lines without an end"),
    ],
)
def test_strange_answers(client, script, reply, message):
    with pytest.raises(NetError, match=message) as caught:
        client(script("Imap", replies={"CAPABILITY": reply})).greet()
    assert caught.value.kind == "protocol"


def test_starttls(client, script, server_tls):
    imap = client(script("Imap", server_tls))
    imap.greet()
    assert "STARTTLS" in imap.capabilities
    assert imap.start_tls(TlsSettings(verify=False), "localhost") is None
    assert "STARTTLS" not in imap.capabilities


def test_starttls_refused(client, script):
    imap = client(script("Imap"))
    imap.greet()
    assert imap.start_tls(TlsSettings(), "localhost") == "BAD unknown command"


@pytest.mark.parametrize("extra", [["SASL-IR"], []])
@pytest.mark.parametrize("mechanisms", [["PLAIN"], ["LOGIN", "LOGINDISABLED"], ["CRAM-MD5", "LOGINDISABLED"], []])
def test_login(client, script, mechanisms, extra):
    disabled = ["LOGINDISABLED"] if "LOGINDISABLED" in mechanisms else []
    options = {"extra": [*extra, *disabled], "mechanisms": [name for name in mechanisms if name != "LOGINDISABLED"]}
    talk = script("Imap", **options)
    imap = client(talk)
    imap.greet()
    assert imap.login("alice", "secret") is None
    assert any("AUTHENTICATE" in line for line in talk.log) == bool(mechanisms)
    imap.quit()
    imap = client(script("Imap", **options))
    imap.greet()
    assert "bad credentials" in imap.login("alice", "wrong")


def test_login_is_quoted(client, script):
    talk = script("Imap", mechanisms=[])
    imap = client(talk)
    imap.greet()
    imap.login('a"b', "c\\d")
    assert talk.log[-1] == 'm2 LOGIN "a\\"b" "c\\\\d"'


def test_login_disabled(client, script):
    imap = client(script("Imap", mechanisms=[], extra=["LOGINDISABLED"]))
    imap.greet()
    assert "LOGIN disabled" in imap.login("alice", "secret")


@pytest.mark.parametrize("reply", ["OK welcome", "NO not now"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    imap = client(script("Imap", extra=[], replies={"AUTHENTICATE": f"TAG {reply}\r\n".encode()}))
    imap.greet()
    assert imap.login("alice", "secret") == reply


def test_unwanted_continuation_is_a_refusal(client, script):
    imap = client(script("Imap", mechanisms=[], replies={"LOGIN": b"+ go on\r\n"}))
    imap.greet()
    assert imap.login("alice", "secret") == "+ go on"
