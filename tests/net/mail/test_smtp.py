from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.mail.smtp import Reply, SmtpClient
from monitorpy.net.tls import TlsSettings


def test_greet(client, script):
    talk = script("Smtp")
    smtp = client(talk)
    smtp.greet()
    assert smtp.banner == "220 mail.lab.test ESMTP ready"
    assert smtp.capabilities == ["SIZE 1000000", "8BITMIME", "AUTH PLAIN LOGIN"]
    assert talk.log == ["EHLO [127.0.0.1]"]


def test_name_for_ehlo():
    assert SmtpClient(None, "::1")._local_name == "[IPv6:::1]"


def test_many_lines_of_banner(client, script):
    smtp = client(script("Smtp", banner=b"220-one\r\n220 two\r\n"))
    smtp.greet()
    assert smtp.banner == "220 one two"


def test_server_without_ehlo(client, script):
    talk = script("Smtp", replies={"EHLO": b"502 unknown\r\n"})
    smtp = client(talk)
    smtp.greet()
    assert smtp.capabilities == []
    assert talk.log[-1] == "HELO [127.0.0.1]"


def test_server_without_any_hello(client, script):
    smtp = client(script("Smtp", replies={"EHLO": b"502 unknown\r\n", "HELO": b"550 go away\r\n"}))
    with pytest.raises(NetError, match="sent '550 go away' for the answer to HELO") as caught:
        smtp.greet()
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize("banner", [b"554 no\r\n", b"hello\r\n", b"22\r\n", b"220?\r\n", "２２０ x\r\n".encode()])  # noqa: RUF001 - digits to str.isdigit
def test_strange_banner(client, script, banner):
    with pytest.raises(NetError, match="for the banner"):
        client(script("Smtp", banner=banner)).greet()


def test_reply_without_an_end(client, script):
    with pytest.raises(NetError, match="500 lines without an end"):
        client(script("Smtp", banner=b"220-x\r\n" * 600)).greet()


def test_code_alone_is_a_reply(client, script):
    smtp = client(script("Smtp", banner=b"220\r\n"))
    smtp.greet()
    assert smtp.banner == "220"


def test_starttls(client, script, server_tls):
    talk = script("Smtp", server_tls)
    smtp = client(talk)
    smtp.greet()
    assert "STARTTLS" in smtp.capabilities
    assert smtp.start_tls(TlsSettings(verify=False), "localhost") is None
    assert "STARTTLS" not in smtp.capabilities
    assert talk.log == ["EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]"]


def test_starttls_refused(client, script):
    smtp = client(script("Smtp"))
    smtp.greet()
    assert smtp.start_tls(TlsSettings(), "localhost") == "502 5.5.1 not implemented"


def test_text_after_the_go_ahead_is_not_believed(client, script):
    smtp = client(script("Smtp", replies={"STARTTLS": b"220 go ahead\r\n250 forged\r\n"}))
    smtp.greet()
    with pytest.raises(NetError, match="in clear text after it agreed to TLS"):
        smtp.start_tls(TlsSettings(), "localhost")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_login(client, script, mechanism):
    talk = script("Smtp", mechanisms=[mechanism])
    smtp = client(talk)
    smtp.greet()
    assert smtp.login("alice", "secret") is None
    smtp = client(script("Smtp", mechanisms=[mechanism]))
    smtp.greet()
    assert smtp.login("alice", "wrong") == "535 5.7.8 bad credentials"


def test_login_without_a_mechanism(client, script):
    smtp = client(script("Smtp", mechanisms=["GSSAPI"]))
    smtp.greet()
    assert "no usable way to log in is offered (GSSAPI)" in smtp.login("alice", "secret")


@pytest.mark.parametrize("reply", ["504 unknown mechanism", "235 welcome", "534 no"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    smtp = client(script("Smtp", mechanisms=["LOGIN"], replies={"AUTH": f"{reply}\r\n".encode()}))
    smtp.greet()
    assert smtp.login("alice", "secret") == reply


def test_send(client, script):
    talk = script("Smtp")
    smtp = client(talk)
    smtp.greet()
    assert smtp.send("a@lab.test", "b@lab.test", b"Subject: x\r\n\r\n.dot\nline\r\n") is None
    assert talk.messages == [b"Subject: x\n\n..dot\nline"]
    smtp.quit()


@pytest.mark.parametrize("verb, what", [("MAIL", "MAIL FROM"), ("RCPT", "RCPT TO"), ("DATA", "DATA"), ("MESSAGE", "message")])
def test_send_refused(client, script, verb, what):
    smtp = client(script("Smtp", replies={verb: b"550 5.1.1 nobody\r\n"}))
    smtp.greet()
    assert smtp.send("a@lab.test", "b@lab.test", b"x") == f"{what}: 550 5.1.1 nobody"


def test_reply():
    assert Reply(250, ("ok",)).good
    assert not Reply(354, ()).good
    assert str(Reply(250, ())) == "250"
