from __future__ import annotations

import base64
import smtplib
import socket

import pytest

from monitorpy.lab import smtp_server
from monitorpy.lab.smtp_server import SmtpServer
from monitorpy.lab.tcp_server import HOST

PASSWORD = "correct horse"


def connected(server, kind=smtplib.SMTP, **more):
    return kind(HOST, server.port, timeout=5, local_hostname="client.test", **more)


def test_mail_after_starttls_and_login(certificates, client_context):
    with SmtpServer(starttls=certificates.good.context) as server, connected(server) as client:
        client.ehlo()
        assert client.has_extn("starttls")
        assert not client.has_extn("auth")
        client.starttls(context=client_context)
        client.ehlo()
        assert not client.has_extn("starttls")
        client.login("demo", PASSWORD)
        client.sendmail("a@lab.test", ["b@lab.test", "c@lab.test"], "Subject: x\r\n\r\n.dot\r\n")
        (mail,) = server.messages
        assert (mail.sender, mail.recipients, mail.data) == ("a@lab.test", ("b@lab.test", "c@lab.test"), b"Subject: x\r\n\r\n.dot\r\n")
        assert (mail.user, mail.encrypted) == ("demo", True)


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
def test_tls_from_the_start_with_each_mechanism(certificates, client_context, mechanism, initial):
    with (
        SmtpServer(tls=certificates.good.context, users={"me": "other"}) as server,
        connected(server, smtplib.SMTP_SSL, context=client_context) as client,
    ):
        client.ehlo()
        client.user, client.password = "me", "e"
        name = mechanism.removeprefix("auth_").upper()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth(name, getattr(client, mechanism), initial_response_ok=initial)
        server.users["me"] = "e"
        assert client.auth(name, getattr(client, mechanism), initial_response_ok=initial)[0] == 235


def test_login_in_the_clear():
    with SmtpServer() as server, connected(server) as client:
        client.login("demo", PASSWORD)
        assert client.docmd("STARTTLS")[0] == 502
        client.sendmail("a@lab.test", "b@lab.test", "x")
        assert [(m.user, m.encrypted) for m in server.messages] == [("demo", False)]


def test_login_is_refused_before_starttls(certificates):
    with SmtpServer(starttls=certificates.good.context) as server, connected(server) as client:
        assert client.docmd("AUTH", "PLAIN AGEAYg==") == (538, b"5.7.11 encryption is required: STARTTLS first")


@pytest.mark.parametrize(
    "command, code",
    [
        ("HELO x", 250),
        ("noop", 250),
        ("RSET", 250),
        ("VRFY x", 500),
        ("AUTH CRAM-MD5", 504),
        ("AUTH PLAIN not-base64", 535),
        ("AUTH PLAIN " + base64.b64encode(b"\0demo\0wrong").decode(), 535),
        ("RCPT TO:<b@lab.test>", 503),
        ("DATA", 503),
    ],
)
def test_answers(command, code):
    with SmtpServer() as server, connected(server) as client:
        assert client.docmd(command)[0] == code


def test_unknown_recipient_and_no_recipient():
    with SmtpServer() as server, connected(server) as client:
        client.ehlo()
        assert client.mail("a@lab.test")[0] == 250
        assert client.rcpt("nobody@lab.test")[0] == 550
        assert client.docmd("DATA")[0] == 503
        assert server.messages == []


@pytest.mark.parametrize("rest, answer", [(b"half", b""), (b"x" * 99 + b"\r\n.\r\n", b"552 5.3.4 message is too large\r\n")])
def test_a_message_that_is_cut_off_or_too_large(monkeypatch, rest, answer):
    monkeypatch.setattr(smtp_server, "_MAX_MESSAGE", 10)
    with SmtpServer() as server, socket.create_connection((HOST, server.port), timeout=5) as sock, sock.makefile("rb") as lines:
        for line, code in ((b"", b"220"), (b"MAIL FROM:<a@b>\r\n", b"250"), (b"RCPT TO:<b@b>\r\n", b"250"), (b"DATA\r\n", b"354")):
            sock.sendall(line)
            assert lines.readline().startswith(code)
        sock.sendall(rest)
        sock.shutdown(socket.SHUT_WR)
        assert lines.read() == answer
        assert server.messages == []


def test_a_client_that_just_goes():
    with SmtpServer() as server, socket.create_connection((HOST, server.port), timeout=5) as sock:
        assert sock.recv(100).startswith(b"220 mail.lab.test")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""
