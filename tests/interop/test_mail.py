"""mail_server: SMTP of Exim, IMAP and POP3 of Dovecot, and a message all the way from one to the other."""

from __future__ import annotations

from uuid import uuid4

import pytest

from monitorpy import run_check
from monitorpy.lab.smtp_server import SmtpServer

from .servers.program import eventually

LOGIN = {"username": "alice", "password": "secret"}
WRONG = {"username": "alice", "password": "not-the-word"}
SEND = {"protocol": "smtp", "use_tls": True, "test_send": True, "from_email": "lab@lab.test"}
ELSEWHERE = "127.0.0.2"
"""Where Dovecot does not take a client of 127.0.0.1 for one on its own machine."""

REFUSED = {"smtp": "(set_id={})", "imap": "passwd-file({},", "pop3": "passwd-file({},"}
"""What Exim and Dovecot write into their logs, once, for each login of that user that they refuse."""


@pytest.fixture(scope="session")
def lab(certificates):
    """The lab's SMTP server, with the ports named as Exim's are."""
    users = {LOGIN["username"]: LOGIN["password"]}
    with (
        SmtpServer(starttls=certificates.good.context, users=users) as plain,
        SmtpServer(tls=certificates.good.context, users=users) as tls,
    ):
        plain.smtp, plain.smtps = plain.port, tls.port
        yield plain


@pytest.fixture
def check(certificates):
    def run(protocol, port, **config):
        given = {"hostname": "localhost", "protocol": protocol, "port": port, "ip_family": "ipv4", "timeout": 10}
        return run_check("mail_server", {**given, "ca_file": str(certificates.ca_file), **config})

    return run


@pytest.fixture(params=["smtp of exim", "smtp of lab", "imap of dovecot", "pop3 of dovecot"])
def visit(request, check):
    """Checks one server in one protocol, by STARTTLS or by TLS from the start."""
    protocol, _, name = request.param.split()
    server = request.getfixturevalue(name)

    def run(way, **config):
        secure = way == "use_ssl"
        return check(protocol, getattr(server, f"{protocol}s" if secure else protocol), **({way: True} if way else {}), **config)

    run.protocol, run.server = protocol, server
    return run


@pytest.fixture
def ports(exim, dovecot):
    """By protocol, those that begin in clear text."""
    return {"smtp": exim.smtp, "imap": dovecot.imap, "pop3": dovecot.pop3}


@pytest.fixture
def stranger():
    """A name that no other test logs in with: it can be found in the logs, which are written while we go on."""
    return f"stranger-{uuid4().hex}"


@pytest.fixture
def attempts(exim, dovecot, stranger):
    """How often the stranger was refused, by the log of the server."""
    return lambda protocol: (exim if protocol == "smtp" else dovecot).home.said().count(REFUSED[protocol].format(stranger))


WAYS = pytest.mark.parametrize("way", ["use_tls", "use_ssl"])


@WAYS
def test_login(visit, way):
    result = visit(way, **LOGIN)
    assert result.is_success(), result.message
    assert result.message.endswith(f"{result.raw_data['tls']['protocol']}, login accepted")
    assert result.raw_data["authenticated"] is True
    assert result.raw_data["certificate"]["subject"] == "CN=localhost"


@WAYS
def test_wrong_password(visit, way):
    result = visit(way, **WRONG)
    assert (result.status, result.fault) == ("error", "target")
    assert result.message.startswith("login as alice refused: ")
    assert "not-the-word" not in repr(result)


@WAYS
def test_an_authority_that_is_not_trusted(visit, way):
    result = visit(way, ca_file="/etc/ssl/certs/ca-certificates.crt", **LOGIN)
    assert (result.status, result.kind) == ("error", "tls")
    assert "unknown issuer" in result.message
    assert result.raw_data["authenticated"] is False
    assert visit(way, ca_file="/etc/ssl/certs/ca-certificates.crt", verify_ssl=False).is_success()


@WAYS
def test_wrong_host(visit, way):
    assert "wrong host" in visit(way, server_name="mail.elsewhere.test", **LOGIN).message


@WAYS
def test_days_left(visit, way):
    assert visit(way, warning_days=30).is_success()
    late = visit(way, warning_days=80, critical_days=10)
    assert late.is_warning(), late.message
    assert "warning below 80 days" in late.message


def test_no_password_in_clear_text(visit):
    result = visit(None, **LOGIN)
    assert (result.status, result.fault) == ("error", "config")
    assert "the password would travel in clear text" in result.message


def test_tls_where_there_is_none(check, ports):
    for protocol, port in ports.items():
        result = check(protocol, port, use_ssl=True)
        assert (result.status, result.kind) == ("error", "tls")
        assert "does not speak TLS here" in result.message


def test_no_tls_where_there_is(check, exim, dovecot):
    for protocol, port in (("smtp", exim.smtps), ("imap", dovecot.imaps), ("pop3", dovecot.pop3s)):
        result = check(protocol, port, timeout=1)
        assert (result.status, result.kind) == ("error", "timeout")
        assert result.response_time < 2


@pytest.mark.parametrize(("wrong", "port"), [("imap", "pop3"), ("pop3", "imap"), ("smtp", "imap"), ("smtp", "pop3")])
def test_the_wrong_protocol(check, dovecot, wrong, port):
    result = check(wrong, getattr(dovecot, port), timeout=2)
    assert result.is_error()
    assert result.fault == "target"


@pytest.mark.parametrize(
    ("protocol", "capabilities", "missing"),
    [
        ("smtp", ["SIZE", "8BITMIME", "AUTH PLAIN"], "BURL"),
        ("imap", ["IMAP4REV1", "IDLE"], "CONDSTORE2"),
        ("pop3", ["UIDL", "TOP"], "UTF8"),
    ],
)
def test_capabilities(check, ports, protocol, capabilities, missing):
    assert check(protocol, ports[protocol], use_tls=True, capabilities=capabilities).is_success()
    result = check(protocol, ports[protocol], use_tls=True, capabilities=[*capabilities, missing])
    assert result.is_error()
    assert result.message.startswith(f"missing capabilities: {missing}; offered: ")


def test_capabilities_after_the_login(check, dovecot):
    """Dovecot tells most of them to those only who have logged in."""
    assert check("imap", dovecot.imap, use_tls=True, capabilities=["MOVE"]).is_error()
    assert check("imap", dovecot.imap, use_tls=True, capabilities=["MOVE"], **LOGIN).is_success()


@pytest.mark.parametrize(
    ("protocol", "banner"), [("smtp", r"^220 mail\.test ESMTP Exim"), ("imap", r"Dovecot"), ("pop3", r"^\+OK Dovecot")]
)
def test_banner(check, ports, protocol, banner):
    assert check(protocol, ports[protocol], banner=banner).is_success()
    assert "expected a banner that matches 'Sendmail'" in check(protocol, ports[protocol], banner="Sendmail").message


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_mechanisms(check, dovecot, stranger, protocol, mechanism):
    port = getattr(dovecot, f"{protocol}s")
    assert check(protocol, port, use_ssl=True, auth_mechanism=mechanism, **LOGIN).is_success()
    assert check(protocol, port, use_ssl=True, auth_mechanism=mechanism, **{**LOGIN, "username": stranger}).is_error()
    eventually(lambda: f"user=<{stranger}>, method={mechanism}," in dovecot.home.said())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_mechanisms_of_smtp(check, exim, mechanism):
    assert check("smtp", exim.submission, use_tls=True, auth_mechanism=mechanism, **LOGIN).is_success()
    assert check("smtp", exim.submission, use_tls=True, auth_mechanism=mechanism, **WRONG).is_error()


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_a_mechanism_that_is_not_offered(check, ports, attempts, stranger, protocol):
    """Dovecot has no tokens and Exim no CRAM-MD5 here; nothing else is tried in their place."""
    login = {"password": "secret", "auth_mechanism": "CRAM-MD5"} if protocol == "smtp" else {"access_token": "good-token"}
    result = check(protocol, ports[protocol], use_tls=True, username=stranger, **login)
    assert result.is_error()
    assert result.raw_data["authenticated"] is False
    assert check(protocol, ports[protocol], use_tls=True, username=stranger, password="secret").is_error()
    eventually(lambda: attempts(protocol) > 0)
    assert check(protocol, ports[protocol], use_tls=True, **LOGIN).is_success()  # for time to pass
    assert attempts(protocol) == 1  # the second, and not the first


def test_a_token(check, exim):
    good = check("smtp", exim.submission, use_tls=True, username="alice", access_token="good-token")
    assert good.is_success(), good.message
    bad = check("smtp", exim.submission, use_tls=True, username="alice", access_token="stale-token")
    assert bad.is_error()
    assert bad.message.startswith("login as alice refused: 535")
    assert "stale-token" not in repr(bad)


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_a_wrong_password_is_tried_once(check, ports, attempts, stranger, protocol):
    """Two attempts, and a third of somebody else's, can lock an account."""
    assert check(protocol, ports[protocol], use_tls=True, username=stranger, password="secret").is_error()
    eventually(lambda: attempts(protocol) > 0)
    assert check(protocol, ports[protocol], use_tls=True, **LOGIN).is_success()  # for time to pass
    assert attempts(protocol) == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_server_that_wants_tls_first(check, ports, attempts, stranger, protocol):
    port = ports[protocol]
    looked = check(protocol, port, hostname=ELSEWHERE)
    assert looked.is_success(), looked.message
    if protocol == "imap":
        assert "LOGINDISABLED" in looked.raw_data["capabilities"]
    refused = check(protocol, port, hostname=ELSEWHERE, allow_plaintext_auth=True, username=stranger, password="secret")
    assert refused.is_error()
    assert ("LOGIN is disabled" if protocol == "imap" else "Plaintext authentication disallowed") in refused.message
    assert check(protocol, port, hostname=ELSEWHERE, use_tls=True, server_name="localhost", **LOGIN).is_success()
    assert attempts(protocol) == 0


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("greylist@site.test", "451 4.2.0 greylisted, try again later"),
        ("nobody@site.test", "550 5.1.1 no such user"),
        ("somebody@elsewhere.test", "550 5.7.1 relay not permitted"),
    ],
)
def test_recipients_that_are_refused(check, exim, recipient, reply):
    result = check(port=exim.smtp, to_email=recipient, **SEND)
    assert (result.status, result.fault) == ("error", "target")
    assert result.message.startswith("test message refused: ")
    assert reply in result.message
    assert result.raw_data["delivered"] is False


def test_relay_for_who_has_logged_in(check, exim):
    assert check(port=exim.smtp, to_email="somebody@elsewhere.test", **SEND, **LOGIN).is_success()
    assert check(port=exim.submission, to_email="somebody@elsewhere.test", **SEND, **LOGIN).is_success()
    without = check(port=exim.submission, to_email="alice@site.test", **SEND)
    assert without.is_error()
    assert "5.7.0 authentication required" in without.message


@pytest.fixture
def mailbox(dovecot, certificates):
    return {"hostname": "localhost", "port": dovecot.imap, "use_tls": True, "ca_file": str(certificates.ca_file), **LOGIN}


@pytest.mark.parametrize("delete", [False, True])
def test_a_message_that_arrives(check, exim, dovecot, mailbox, delete):
    subject = f"delivered, and {'deleted' if delete else 'kept'}"
    result = check(port=exim.smtp, to_email="alice@site.test", subject=subject, confirm_imap={**mailbox, "delete": delete}, **SEND)
    assert result.is_success(), result.message
    assert "test message delivered after" in result.message
    assert result.raw_data["confirmed_after"] > 0
    kept = [path for path in dovecot.mail.rglob("*") if path.is_file() and f"Subject: {subject}\n" in path.read_text(errors="replace")]
    assert len(kept) == (0 if delete else 1)


def test_a_message_that_is_accepted_and_lost(check, exim, mailbox):
    """Exim takes it and throws it away: nothing but the mailbox can tell."""
    assert check(port=exim.smtp, to_email="bob@site.test", **SEND).is_success()
    lost = check(port=exim.smtp, to_email="bob@site.test", confirm_imap=mailbox, **{**SEND, "timeout": 1.5})
    assert lost.is_error()
    assert lost.message.startswith("test message accepted, but not confirmed: ")
    assert lost.response_time < 2.5


def test_a_mailbox_that_is_closed(check, exim, mailbox):
    result = check(port=exim.smtp, to_email="alice@site.test", confirm_imap={**mailbox, **WRONG}, **SEND)
    assert result.is_error()
    assert "login as alice at localhost refused" in result.message


@pytest.mark.parametrize("server", ["bind9", "knot", "unbound"])
def test_mail_exchangers(request, check, exim, server):
    nameserver = f"127.0.0.1:{request.getfixturevalue(server).port}"
    given = {"hostname": "plain.test", "use_tls": True, "server_name": "localhost", "resolve_mx": True, "nameserver": nameserver}
    result = check("smtp", exim.smtp, **given)
    assert result.is_success(), result.message
    assert result.raw_data["host"] == "mail.plain.test"
    assert [one["host"] for one in result.raw_data["mx"]] == ["mail.plain.test", "backup.plain.test"]
