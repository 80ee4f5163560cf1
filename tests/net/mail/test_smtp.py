from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.mail.sasl import Login
from monitorpy.net.mail.smtp import Reply, SmtpClient
from monitorpy.net.tls import TlsSettings

ALICE = Login("alice", "secret")


def test_greet(client, script):
    talk = script("Smtp")
    smtp = client(talk)
    smtp.greet()
    assert smtp.banner == "220 mail.lab.test ESMTP ready"
    assert smtp.capabilities == ["SIZE 1000000", "8BITMIME", "AUTH PLAIN LOGIN"]
    assert talk.log == ["EHLO [127.0.0.1]"]


def test_name_for_ehlo():
    assert SmtpClient(None, "::1")._local_name == "[IPv6:::1]"
    assert SmtpClient(None, "fe80::1%eth0")._local_name == "[IPv6:fe80::1]"


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
    with pytest.raises(NetError, match=r"refuses service: 550 go away$") as caught:
        smtp.greet()
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize("banner", [b"hello\r\n", b"22\r\n", b"220?\r\n", b"250 hello\r\n", b"220-a\r\n221 b\r\n", "２２０ x\r\n".encode()])  # noqa: RUF001 - digits to str.isdigit
def test_strange_banner(client, script, banner):
    with pytest.raises(NetError, match="for the banner"):
        client(script("Smtp", banner=banner)).greet()


def test_reply_without_an_end(client, script):
    with pytest.raises(NetError, match="500 lines without an end"):
        client(script("Smtp", banner=b"220-x\r\n" * 600)).greet()


def test_two_codes_in_one_reply(client, script):
    smtp = client(script("Smtp", replies={"EHLO": b"550-no\r\n250 SIZE\r\n"}))
    with pytest.raises(NetError, match="sent '250 SIZE' for the answer to EHLO"):
        smtp.greet()


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
    assert smtp.login(ALICE) is None
    smtp = client(script("Smtp", mechanisms=[mechanism]))
    smtp.greet()
    assert smtp.login(Login("alice", "wrong")) == "535 5.7.8 bad credentials"


def test_login_without_a_mechanism(client, script):
    smtp = client(script("Smtp", mechanisms=["GSSAPI"]))
    smtp.greet()
    assert "no usable way to log in is offered (GSSAPI)" in smtp.login(ALICE)


@pytest.mark.parametrize("reply", ["504 unknown mechanism", "235 welcome", "534 no"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    smtp = client(script("Smtp", mechanisms=["LOGIN"], replies={"AUTH": f"{reply}\r\n".encode()}))
    smtp.greet()
    assert smtp.login(ALICE) == reply + (" (before it saw the password)" if "235" in reply else "")


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


def test_no_service(client, script):
    smtp = client(script("Smtp", banner=b"554-no service\r\n554 for you\r\n"))
    with pytest.raises(NetError, match=r"refuses service: 554 no service for you$") as caught:
        smtp.greet()
    assert (caught.value.kind, smtp.banner) == ("protocol", "554 no service for you")


@pytest.mark.parametrize("verb", ["BANNER", "EHLO"])
def test_no_service_for_now(client, script, verb):
    talk = script("Smtp", replies={verb: b"421 4.3.2 too busy\r\n"})
    with pytest.raises(NetError, match=r"refuses service: 421 4\.3\.2 too busy \(temporary: a later attempt may pass\)$"):
        client(talk).greet()
    assert not any(line.startswith("HELO") for line in talk.log)


def test_a_long_refusal_is_cut(client, script):
    smtp = client(script("Smtp", replies={"STARTTLS": b"454-" + b"x" * 600 + b"\r\n454 end\r\n"}))
    smtp.greet()
    assert smtp.start_tls(TlsSettings(), "localhost") == f"454 {'x' * 496}... (temporary: a later attempt may pass)"


def test_answers_ahead_of_the_questions_are_not_believed(client, script):
    ahead = b"220 ready\r\n250 AUTH PLAIN\r\n235 welcome\r\n"
    with pytest.raises(NetError, match="before EHLO was asked"):
        client(script("Smtp", banner=ahead)).greet()


def test_a_message_is_not_accepted_before_it_was_sent(client, script):
    smtp = client(script("Smtp", replies={"DATA": b"354 go on\r\n250 got it\r\n"}))
    smtp.greet()
    with pytest.raises(NetError, match="before the end of the message was asked"):
        smtp.send("a@lab.test", "b@lab.test", b"x")


@pytest.mark.parametrize("mechanism, empty", [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
def test_token(client, script, mechanism, empty):
    def attempt(token, good):
        talk = script("Smtp", mechanisms=["PLAIN", mechanism], token=good)
        smtp = client(talk)
        smtp.greet()
        return smtp.login(Login("alice", token, token=True)), talk.log

    refusal, log = attempt("good-token", "good-token")
    assert refusal is None
    assert log[-1].startswith(f"AUTH {mechanism} ")
    refusal, log = attempt("x" * 2000, "x" * 2000)
    assert refusal is None
    assert log[-1].startswith("AUTH XOAUTH2 ") == (mechanism == "XOAUTH2")
    refusal, log = attempt("bad-token", "good-token")
    assert refusal == "535 5.7.8 bad credentials (the server's reason: status '401')"
    assert log[-1] == empty
    assert sum(line.startswith("AUTH") for line in log) == 1


def test_challenges_without_an_end(client, script):
    talk = script("Smtp", mechanisms=["XOAUTH2"], replies={"AUTH": b"334 eyJzdGF0dXMiOjF9\r\n", "": b"334 eyJzdGF0dXMiOjF9\r\n"})
    smtp = client(talk)
    smtp.greet()
    refusal = smtp.login(Login("alice", "t0ken", token=True))
    assert refusal == "334 eyJzdGF0dXMiOjF9 (the server's reason: status 1)"


def test_a_mechanism_is_forced(client, script):
    talk = script("Smtp", mechanisms=["PLAIN", "LOGIN"])
    smtp = client(talk)
    smtp.greet()
    assert smtp.login(Login("alice", "secret", mechanism="LOGIN")) is None
    assert "AUTH LOGIN" in talk.log
    assert "usable: CRAM-MD5" in smtp.login(Login("alice", "secret", mechanism="CRAM-MD5"))


@pytest.mark.parametrize(
    "size, refusal",
    [
        ("SIZE 20", None),
        ("size 19", "the message has 20 bytes, the server takes 19 (SIZE)"),
        ("SIZE 0", None),
        ("SIZE", None),
        ("SIZE many", None),
        (f"SIZE {'1' * 5000}", None),
    ],
)
def test_size(client, script, size, refusal):
    talk = script("Smtp", replies={"EHLO": f"250-lab\r\n250 {size}\r\n".encode()})
    smtp = client(talk)
    smtp.greet()
    assert smtp.send("a@lab.test", "b@lab.test", b"Subject: x\n\nline\n") == refusal
    assert bool(talk.messages) == (refusal is None)


def test_greylisted(client, script):
    smtp = client(script("Smtp", replies={"RCPT": b"450 4.2.0 greylisted\r\n"}))
    smtp.greet()
    refusal = smtp.send("a@lab.test", "b@lab.test", b"x")
    assert refusal == "RCPT TO: 450 4.2.0 greylisted (temporary: a later attempt may pass)"


def test_a_reply_that_is_neither(client, script):
    smtp = client(script("Smtp", replies={"MAIL": b"354 what?\r\n"}))
    smtp.greet()
    assert smtp.send("a@lab.test", "b@lab.test", b"x") == "MAIL FROM: 354 what?"
