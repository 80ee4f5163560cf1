from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.mail.sasl import Login
from monitorpy.net.tls import TlsSettings

ALICE = Login("alice", "secret")


def test_greet(client, script):
    pop = client(script("Pop3"))
    pop.greet()
    assert pop.banner == "+OK lab POP3 ready"
    assert pop.capabilities == ["UIDL", "USER", "SASL PLAIN LOGIN"]


@pytest.mark.parametrize(
    "banner, message",
    [(b"-ERR busy\r\n", "refuses service: -ERR busy$"), (b"220 smtp\r\n", "for the banner"), (b"+OKAY\r\n", "for the banner")],
)
def test_strange_banner(client, script, banner, message):
    with pytest.raises(NetError, match=message):
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
    assert pop.login(ALICE) is None


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
    assert pop.login(ALICE) is None
    assert verb in talk.log
    pop.quit()
    pop = client(script("Pop3", mechanisms=mechanisms, user_command=user_command))
    pop.greet()
    assert pop.login(Login("alice", "wrong")) == "-ERR bad credentials"


def test_unknown_user(client, script):
    pop = client(script("Pop3", mechanisms=[], replies={"USER": b"-ERR nobody\r\n"}))
    pop.greet()
    assert pop.login(ALICE) == "-ERR nobody"


def test_login_without_a_mechanism(client, script):
    pop = client(script("Pop3", mechanisms=["GSSAPI"], user_command=False))
    pop.greet()
    assert "no usable way to log in is offered (GSSAPI)" in pop.login(ALICE)


@pytest.mark.parametrize("reply", ["+OK welcome", "-ERR not now"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    pop = client(script("Pop3", replies={"AUTH": f"{reply}\r\n".encode()}))
    pop.greet()
    assert pop.login(ALICE) == reply + (" (before it saw the password)" if "OK" in reply else "")


def test_a_banner_of_apop_and_bytes_that_are_no_utf8(client, script):
    pop = client(script("Pop3", banner=b"+OK gr\xfcn <1896.697170952@lab>\n"))
    pop.greet()
    assert pop.banner == "+OK gr\\xfcn <1896.697170952@lab>"


def test_an_answer_ahead_of_the_question(client, script):
    with pytest.raises(NetError, match="before CAPA was asked"):
        client(script("Pop3", banner=b"+OK ready\r\n+OK\r\n.\r\n+OK welcome\r\n")).greet()


@pytest.mark.parametrize("mechanism, empty", [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
def test_token(client, script, mechanism, empty):
    def attempt(token):
        talk = script("Pop3", mechanisms=["PLAIN", mechanism])
        pop = client(talk)
        pop.greet()
        return pop.login(Login("alice", token, token=True)), talk.log

    refusal, log = attempt("good-token")
    assert refusal is None
    assert log[-2] == f"AUTH {mechanism}"
    refusal, log = attempt("bad-token")
    assert refusal == "-ERR bad credentials (the server's reason: status '401')"
    assert log[-1] == empty
    assert sum(line.startswith("AUTH") for line in log) == 1


def test_a_token_is_no_password(client, script):
    talk = script("Pop3")
    pop = client(talk)
    pop.greet()
    assert pop.login(Login("alice", "t0ken", token=True)) == (
        "no usable way to log in is offered (PLAIN, LOGIN); usable: XOAUTH2, OAUTHBEARER"
    )
    assert talk.log == ["CAPA"]


def test_a_mechanism_is_forced(client, script):
    talk = script("Pop3")
    pop = client(talk)
    pop.greet()
    assert pop.login(Login("alice", "secret", mechanism="LOGIN")) is None
    assert "AUTH LOGIN" in talk.log
    assert "usable: CRAM-MD5" in pop.login(Login("alice", "secret", mechanism="CRAM-MD5"))
