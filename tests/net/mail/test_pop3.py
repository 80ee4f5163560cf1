from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.tls import TlsSettings


def test_greet(client, script):
    pop = client(script("Pop3"))
    pop.greet()
    assert pop.banner == "+OK lab POP3 ready"
    assert pop.capabilities == ["UIDL", "USER", "SASL PLAIN LOGIN"]


@pytest.mark.parametrize("banner", [b"-ERR busy\r\n", b"220 smtp\r\n"])
def test_strange_banner(client, script, banner):
    with pytest.raises(NetError, match="for the banner"):
        client(script("Pop3", banner=banner)).greet()


@pytest.mark.parametrize(
    "reply, message", [(b"what?\r\n", r"sent 'what\?' for the answer to CAPA"), (b"+OK\r\n" + b"x\r\n" * 600, "500 lines without an end")]
)
def test_strange_answers(client, script, reply, message):
    with pytest.raises(NetError, match=message) as caught:
        client(script("Pop3", replies={"CAPA": reply})).greet()
    assert caught.value.kind == "protocol"


def test_server_without_capa(client, script):
    pop = client(script("Pop3", replies={"CAPA": b"-ERR unknown\r\n"}))
    pop.greet()
    assert pop.capabilities == []
    assert pop.login("alice", "secret") is None


def test_starttls(client, script, server_tls):
    pop = client(script("Pop3", server_tls))
    pop.greet()
    assert "STLS" in pop.capabilities
    assert pop.start_tls(TlsSettings(verify=False), "localhost") is None
    assert "STLS" not in pop.capabilities


def test_starttls_refused(client, script):
    pop = client(script("Pop3"))
    pop.greet()
    assert pop.start_tls(TlsSettings(), "localhost") == "-ERR unknown command"


@pytest.mark.parametrize(
    "mechanisms, user_command, verb",
    [(["PLAIN"], True, "AUTH PLAIN"), (["LOGIN"], True, "USER alice"), (["CRAM-MD5"], False, "AUTH CRAM-MD5"), ([], False, "USER alice")],
)
def test_login(client, script, mechanisms, user_command, verb):
    talk = script("Pop3", mechanisms=mechanisms, user_command=user_command)
    pop = client(talk)
    pop.greet()
    assert pop.login("alice", "secret") is None
    assert verb in talk.log
    pop.quit()
    pop = client(script("Pop3", mechanisms=mechanisms, user_command=user_command))
    pop.greet()
    assert pop.login("alice", "wrong") == "-ERR bad credentials"


def test_unknown_user(client, script):
    pop = client(script("Pop3", mechanisms=[], replies={"USER": b"-ERR nobody\r\n"}))
    pop.greet()
    assert pop.login("alice", "secret") == "-ERR nobody"


def test_login_without_a_mechanism(client, script):
    pop = client(script("Pop3", mechanisms=["GSSAPI"], user_command=False))
    pop.greet()
    assert "no usable way to log in is offered (GSSAPI)" in pop.login("alice", "secret")


@pytest.mark.parametrize("reply", ["+OK welcome", "-ERR not now"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    pop = client(script("Pop3", replies={"AUTH": f"{reply}\r\n".encode()}))
    pop.greet()
    assert pop.login("alice", "secret") == reply
